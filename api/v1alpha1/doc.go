// Package v1alpha1 will hold the MailBackend custom resource. It imports only
// k8s.io/api and apimachinery. Nothing is defined yet: the operator is built
// after the backend that it runs.
package v1alpha1
