// A registry in memory that serves the referrers API: the one of go-containerregistry, on a free port of loopback.
//
// With -subject it also answers a push of what has a subject as the OCI's distribution-spec 1.1 wants it, by a header
// that the original leaves out.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

const longest = 4 << 20

func main() {
	subject := flag.Bool("subject", false, "tell in OCI-Subject that the subject of a manifest was understood")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	handler := registry.New(registry.WithReferrersSupport(true))
	if *subject {
		handler = telling(handler)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	panic(http.Serve(listener, handler))
}

func telling(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if request.Method == http.MethodPut && strings.Contains(request.URL.Path, "/manifests/") {
			body, err := io.ReadAll(io.LimitReader(request.Body, longest))
			if err != nil {
				http.Error(answer, err.Error(), http.StatusBadRequest)
				return
			}
			var told struct {
				Subject struct {
					Digest string `json:"digest"`
				} `json:"subject"`
			}
			if json.Unmarshal(body, &told) == nil && told.Subject.Digest != "" {
				answer.Header().Set("OCI-Subject", told.Subject.Digest)
			}
			request.Body = io.NopCloser(bytes.NewReader(body))
		}
		inner.ServeHTTP(answer, request)
	})
}
