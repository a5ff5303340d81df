// The modules with the CRDs of other projects, of whose kinds the chart creates objects. test/chart/foreign-kinds.ts
// reads the CRDs; nothing is built. After a change of a version, run `go mod download MODULE` here, and commit go.sum
// with it. Do not run `go mod tidy`: nothing imports these modules, so it would remove them.
module kube-macvtap.test/kinds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/openshift/api v0.0.0-20230503133300-8bbcb7ca7183
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
