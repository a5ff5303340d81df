// Where the kinds of others are from that the chart makes objects of: the modules are read (test/chart/foreign-kinds.ts),
// nothing is built of them. After a change of a version: go mod download MODULE here, and commit go.sum with it; go mod tidy
// would remove what nothing imports.
module kube-macvtap.test/kinds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/openshift/api v0.0.0-20230503133300-8bbcb7ca7183
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
