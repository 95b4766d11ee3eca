// Package controllers will hold the operator's reconcilers of MailBackend. It
// never imports backend. Nothing is here yet: the operator is built after the
// backend that it runs.
package controllers
