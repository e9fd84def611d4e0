// The contract of CRI, for examples/cri: nothing is built of it but its .proto file. `go mod download` brings it.
module proa/peers/cri

go 1.26

require k8s.io/cri-api v0.34.1
