// Package config is the configuration of the mailbackend process: its YAML
// form, its defaults, and the checks that every error names a path and a line.
// It does not open what it names: no file, address or bucket is touched here.
package config

import "time"

// Config is everything that `mailbackend serve` can be told. The doc tags are
// the comments that `mailbackend config` prints.
type Config struct {
	Pod           string        `yaml:"pod" doc:"Name of this instance, unique among those that share a bucket; empty: the host name."`
	ObjectStorage ObjectStorage `yaml:"objectStorage" doc:"Where mails and indexes live. Nothing else is durable."`
	Cache         Cache         `yaml:"cache" doc:"The local cache, on SSD or tmpfs, never on a network file system. It may be lost at any time."`
	Index         Index         `yaml:"index" doc:"When indexes are uploaded."`
	Users         Users         `yaml:"users" doc:"What is kept per user."`
	Auth          Auth          `yaml:"auth" doc:"Who may log in and who receives mail."`
	TLS           TLS           `yaml:"tls" doc:"Certificate for implicit TLS and STARTTLS, PEM files; read again when they change."`
	IMAP          IMAP          `yaml:"imap" doc:"IMAP4rev1 and IMAP4rev2."`
	POP3          POP3          `yaml:"pop3" doc:"POP3."`
	LMTP          LMTP          `yaml:"lmtp" doc:"LMTP: where mail comes in."`
	Admin         Admin         `yaml:"admin" doc:"Health and metrics over HTTP."`
	Log           Log           `yaml:"log" doc:"Structured log on standard error. Never holds mail content or passwords."`
	Shutdown      Shutdown      `yaml:"shutdown" doc:"What SIGTERM does."`
}

// ObjectStorage selects and reaches the object store.
type ObjectStorage struct {
	Type           string   `yaml:"type" enum:"s3,dir" doc:"s3, or dir: an embedded store on a local directory, for one process on one machine."`
	Dir            string   `yaml:"dir" doc:"type dir: the directory; each object is a file at its key's path."`
	Endpoint       string   `yaml:"endpoint" doc:"type s3: URL of the server, such as https://s3.eu-central-1.amazonaws.com"`
	Region         string   `yaml:"region" doc:"type s3: the bucket's region."`
	Bucket         string   `yaml:"bucket" doc:"type s3: the bucket. It must exist."`
	Prefix         string   `yaml:"prefix" doc:"Put in front of every key, without slashes at its ends. Must not change once used."`
	PathStyle      bool     `yaml:"pathStyle" doc:"type s3: address the bucket in the path instead of the host name."`
	AccessKeyFile  string   `yaml:"accessKeyFile" doc:"type s3: file with the access key id. Empty: AWS_* variables, then the pod's identity."`
	SecretKeyFile  string   `yaml:"secretKeyFile" doc:"type s3: file with the secret access key."`
	CAFile         string   `yaml:"caFile" doc:"type s3: PEM file with the certificate authorities to trust. Empty: the system's."`
	RequestTimeout Duration `yaml:"requestTimeout" min:"100ms" max:"10m" doc:"Longest time for one attempt of one request."`
	Retries        int      `yaml:"retries" min:"0" max:"20" doc:"How often a request is tried again."`
	RetryFor       Duration `yaml:"retryFor" min:"0s" max:"10m" doc:"Longest time for a request with all its retries."`
	MaxConnections int      `yaml:"maxConnections" min:"1" max:"10000" doc:"Connections kept open to the server."`
}

// Cache is the local cache.
type Cache struct {
	Dir                string `yaml:"dir" doc:"The directory. Must be this process's own."`
	BytesPerActiveUser Size   `yaml:"bytesPerActiveUser" min:"100k" max:"1G" doc:"Budget for each user with mail or a session in the last users.activeWindow."`
	ActiveUsers        int    `yaml:"activeUsers" min:"1" max:"10000000" doc:"How many active users to plan for; the budget is activeUsers × bytesPerActiveUser."`
	Memory             Size   `yaml:"memory" min:"0" max:"1T" doc:"Memory for mail bodies that were read lately."`
}

// Index says when indexes are uploaded.
type Index struct {
	UploadInterval     Duration `yaml:"uploadInterval" min:"1s" max:"24h" doc:"Changes of flags and the like are uploaded this long after the first of them. A crash of the server costs at most what is younger."`
	MaxRescanMailCount int      `yaml:"maxRescanMailCount" min:"1" max:"1000" doc:"Deliveries alone upload a folder's index at every so many mails; fewer are found again by listing."`
	Concurrency        int      `yaml:"concurrency" min:"1" max:"1000" doc:"Users uploaded at the same time."`
}

// Users is what is kept per user.
type Users struct {
	ActiveWindow     Duration         `yaml:"activeWindow" min:"1m" max:"24h" doc:"A user is active who received mail or had a session within this time."`
	MaxLoaded        int              `yaml:"maxLoaded" min:"1" max:"10000000" doc:"Users whose indexes may be in memory; past it new users are refused for now."`
	MaxStubs         int              `yaml:"maxStubs" min:"1" max:"100000000" doc:"Idle users whose claim is kept, so that the next delivery costs a single PUT."`
	MaxKeywords      int              `yaml:"maxKeywords" min:"1" max:"10000" doc:"Different keywords (user-defined flags) in one mailbox."`
	DefaultMailboxes []DefaultMailbox `yaml:"defaultMailboxes" doc:"Made for a new user, beside INBOX."`
}

// DefaultMailbox is a mailbox that every new user gets.
type DefaultMailbox struct {
	Name       string `yaml:"name" doc:"Name, with / between levels."`
	SpecialUse string `yaml:"specialUse" enum:",\\Archive,\\Drafts,\\Junk,\\Sent,\\Trash" doc:"Special use (RFC 6154), such as \\Sent; may be empty."`
}

// Auth says who may log in.
type Auth struct {
	PasswdFile string   `yaml:"passwdFile" doc:"File of user:{SCHEME}hash lines; schemes ARGON2ID, BCRYPT, SHA512-CRYPT, PLAIN. Read again when it changes."`
	CacheFor   Duration `yaml:"cacheFor" min:"0s" max:"1h" doc:"How long a verified password need not be hashed again."`
	AnyUser    string   `yaml:"anyUserPassword" doc:"For development only: every user name exists and has this password. Listeners must then be on loopback."`
}

// TLS names the certificate.
type TLS struct {
	CertFile string `yaml:"certFile" doc:"Certificate chain."`
	KeyFile  string `yaml:"keyFile" doc:"Private key."`
}

// Listener is one address to listen on.
type Listener struct {
	Address string `yaml:"address" doc:"host:port; port 0 takes a free one."`
	TLS     string `yaml:"tls" enum:"none,starttls,implicit" doc:"none, starttls or implicit."`
}

// IMAP configures the IMAP server.
type IMAP struct {
	Listeners          []Listener `yaml:"listeners" doc:"Where to listen."`
	AllowPlaintextAuth bool       `yaml:"allowPlaintextAuth" doc:"Accept passwords on connections without TLS."`
	MaxConnections     int        `yaml:"maxConnections" min:"1" max:"10000000" doc:"Connections at a time."`
	MaxLine            Size       `yaml:"maxLine" min:"1k" max:"16M" doc:"Longest command line, without literals."`
	MaxLiteral         Size       `yaml:"maxLiteral" min:"1k" max:"16M" doc:"Largest literal that is not a mail."`
	MaxNesting         int        `yaml:"maxNesting" min:"2" max:"1000" doc:"Deepest nesting of parentheses, as in SEARCH."`
	MaxListLength      int        `yaml:"maxListLength" min:"10" max:"1000000" doc:"Most elements in one list or number set."`
	MaxMessage         Size       `yaml:"maxMessage" min:"1k" max:"1G" doc:"Largest mail that APPEND takes; told as APPENDLIMIT."`
	AppendMemory       Size       `yaml:"appendMemory" min:"1M" max:"1T" doc:"Bytes of incoming mails held at a time over all connections."`
	IdleTimeout        Duration   `yaml:"idleTimeout" min:"30m" max:"24h" doc:"A session without a command for so long is ended (RFC 9051 section 5.4: not below 30 minutes)."`
	LoginTimeout       Duration   `yaml:"loginTimeout" min:"1s" max:"30m" doc:"A connection that has not logged in by then is ended."`
}

// POP3 configures the POP3 server.
type POP3 struct {
	Listeners          []Listener `yaml:"listeners" doc:"Where to listen."`
	AllowPlaintextAuth bool       `yaml:"allowPlaintextAuth" doc:"Accept passwords on connections without TLS."`
	MaxConnections     int        `yaml:"maxConnections" min:"1" max:"10000000" doc:"Connections at a time."`
	IdleTimeout        Duration   `yaml:"idleTimeout" min:"10m" max:"24h" doc:"A session without a command for so long is ended (RFC 1939: not below 10 minutes)."`
}

// LMTP configures the LMTP server.
type LMTP struct {
	Listeners       []Listener `yaml:"listeners" doc:"Where to listen. LMTP has no authentication: trusted networks only."`
	Hostname        string     `yaml:"hostname" doc:"Name told in the greeting and in Received; empty: the host name."`
	MaxConnections  int        `yaml:"maxConnections" min:"1" max:"1000000" doc:"Connections at a time."`
	MaxRecipients   int        `yaml:"maxRecipients" min:"1" max:"100000" doc:"Recipients of one mail."`
	MaxMessage      Size       `yaml:"maxMessage" min:"1k" max:"1G" doc:"Largest mail."`
	MessageMemory   Size       `yaml:"messageMemory" min:"1M" max:"1T" doc:"Bytes of incoming mails held at a time over all connections."`
	IdleTimeout     Duration   `yaml:"idleTimeout" min:"10s" max:"24h" doc:"A client that sends nothing for so long is disconnected."`
	DetailDelimiter string     `yaml:"detailDelimiter" doc:"Separates user and detail in user+detail@domain; empty: no details."`
	DetailMailbox   bool       `yaml:"detailMailbox" doc:"Deliver to the mailbox that the detail names, if it exists."`
	UserName        string     `yaml:"userName" enum:"address,localPart" doc:"Which part of the recipient is the user name: address or localPart."`
}

// Admin configures the HTTP side.
type Admin struct {
	Address string `yaml:"address" doc:"host:port for /healthz, /readyz and /metrics; empty: none."`
}

// Log configures the log.
type Log struct {
	Level  string `yaml:"level" enum:"debug,info,warn,error" doc:"debug, info, warn or error."`
	Format string `yaml:"format" enum:"text,json" doc:"text or json."`
}

// Shutdown configures the end.
type Shutdown struct {
	Deadline Duration `yaml:"deadline" min:"1s" max:"24h" doc:"After SIGTERM, uploads that are not done by then are given up."`
}

// Default returns the defaults: complete but for the store, the cache's
// directory, authentication and the certificate.
func Default() Config {
	return Config{
		ObjectStorage: ObjectStorage{
			Type: "s3", Region: "us-east-1",
			RequestTimeout: Duration(10 * time.Second), Retries: 5, RetryFor: Duration(30 * time.Second), MaxConnections: 256,
		},
		Cache: Cache{BytesPerActiveUser: 2_000_000, ActiveUsers: 100_000, Memory: 256_000_000},
		Index: Index{UploadInterval: Duration(5 * time.Minute), MaxRescanMailCount: 10, Concurrency: 32},
		Users: Users{
			ActiveWindow: Duration(15 * time.Minute), MaxLoaded: 150_000, MaxStubs: 200_000, MaxKeywords: 256,
			DefaultMailboxes: []DefaultMailbox{
				{"Drafts", `\Drafts`}, {"Sent", `\Sent`}, {"Junk", `\Junk`}, {"Trash", `\Trash`}, {"Archive", `\Archive`},
			},
		},
		Auth: Auth{CacheFor: Duration(5 * time.Minute)},
		IMAP: IMAP{
			Listeners:      []Listener{{":143", "starttls"}, {":993", "implicit"}},
			MaxConnections: 200_000, MaxLine: 64_000, MaxLiteral: 1_000_000, MaxNesting: 50, MaxListLength: 10_000,
			MaxMessage: 64_000_000, AppendMemory: 1_000_000_000,
			IdleTimeout: Duration(30 * time.Minute), LoginTimeout: Duration(time.Minute),
		},
		POP3: POP3{
			Listeners:      []Listener{{":110", "starttls"}, {":995", "implicit"}},
			MaxConnections: 50_000, IdleTimeout: Duration(10 * time.Minute),
		},
		LMTP: LMTP{
			Listeners:      []Listener{{":24", "none"}},
			MaxConnections: 10_000, MaxRecipients: 1000, MaxMessage: 64_000_000, MessageMemory: 1_000_000_000,
			IdleTimeout: Duration(5 * time.Minute), DetailDelimiter: "+", UserName: "address",
		},
		Admin:    Admin{Address: ":8080"},
		Log:      Log{Level: "info", Format: "text"},
		Shutdown: Shutdown{Deadline: Duration(5 * time.Minute)},
	}
}
