// Serves the configuration that istiod would send to proxies for a set of files, without a cluster: istiod's generators
// over an API server in memory (its own test harness). pilot-discovery itself fails with a nil pointer without a cluster.
//
//	xds MESH_CONFIG ISTIO_RESOURCES KUBERNETES_OBJECTS
//
// It serves on a free port of the loopback. The first line on stdout is the address; the log is on stderr; the process ends when stdin ends.
package main

import (
	"fmt"
	"io"
	"net"
	"os"

	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/log"
)

// failer ends the process with the reason, because there is no test to fail.
type failer struct{}

func (failer) Fail()                        { os.Exit(1) }
func (failer) FailNow()                     { os.Exit(1) }
func (failer) Fatal(args ...any)            { fmt.Fprintln(os.Stderr, args...); os.Exit(1) }
func (failer) Fatalf(f string, args ...any) { fmt.Fprintf(os.Stderr, f+"\n", args...); os.Exit(1) }
func (failer) Log(args ...any)              {}
func (failer) Logf(string, ...any)          {}
func (failer) TempDir() string              { return os.TempDir() }
func (failer) Helper()                      {}
func (failer) Cleanup(func())               {}
func (failer) Skip(...any)                  {}

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		failer{}.Fatal(err)
	}
	return string(text)
}

func main() {
	if len(os.Args) != 4 {
		failer{}.Fatal("usage: xds MESH_CONFIG ISTIO_RESOURCES KUBERNETES_OBJECTS")
	}
	// Its default is stdout, which is for the address.
	options := log.DefaultOptions()
	options.OutputPaths = []string{"stderr"}
	if err := log.Configure(options); err != nil {
		failer{}.Fatal(err)
	}
	meshConfig, err := mesh.ApplyMeshConfigDefaults(read(os.Args[1]))
	if err != nil {
		failer{}.Fatal(err)
	}
	// Before the server starts, because that reports an error of its listener only after it is said to serve.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		failer{}.Fatal(err)
	}
	xds.NewFakeDiscoveryServer(failer{}, xds.FakeOptions{
		MeshConfig:             meshConfig,
		ConfigString:           read(os.Args[2]),
		KubernetesObjectString: read(os.Args[3]),
		ListenerBuilder:        func() (net.Listener, error) { return listener, nil },
	})
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}
