//go:build tools

package main

// Keeps istioctl's modules in go.mod and go.sum.
import _ "istio.io/istio/istioctl/cmd/istioctl"
