package objstore

// Op is a kind of request.
type Op uint8

// The kinds of requests, one per method of Store.
const (
	OpGet Op = iota
	OpHead
	OpPutIfAbsent
	OpPutIfMatch
	OpDelete
	OpList

	// NumOps is how many kinds there are, for arrays indexed by Op.
	NumOps = int(OpList) + 1
)

var opNames = [NumOps]string{"GET", "HEAD", "PUT-if-absent", "PUT-if-match", "DELETE", "LIST"}

// String is the kind's name as it stands in logs, metrics and tests.
func (o Op) String() string {
	if int(o) < NumOps {
		return opNames[o]
	}
	return "invalid request"
}

// Write tells that requests of this kind change the store.
func (o Op) Write() bool { return o == OpPutIfAbsent || o == OpPutIfMatch || o == OpDelete }
