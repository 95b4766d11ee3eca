// Package s3 is the object store contract on an S3 server, by minio-go. One
// method call is one request: retries are objstore.Retry's business.
package s3

import (
	"mailbackend.io/backend/objstore"
)

// Config says where the bucket is and how to get in.
type Config struct {
	// Endpoint is the server's URL: https://host[:port] or http://….
	Endpoint string
	// Region signs requests; required by AWS, "us-east-1" otherwise.
	Region string
	Bucket string
	// PathStyle puts the bucket into the path instead of the host name.
	PathStyle bool
	// AccessKey, SecretKey and SessionToken; if AccessKey is empty the
	// AWS_* variables are used, then the pod's or machine's IAM role.
	AccessKey, SecretKey, SessionToken string
	// CAFile is a PEM file of the authorities to trust instead of the
	// system's.
	CAFile string
	// MaxConns bounds the connections. Default 256.
	MaxConns int
	// MaxObject is the size in bytes of the largest object that is read. Default 1 GiB.
	MaxObject int64
}

// Store implements objstore.Store.
type Store struct{ objstore.Store }

// Open returns the store; it makes no request.
func Open(c Config) (*Store, error) { panic("soon") }
