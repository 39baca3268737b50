package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// parents is the name under which a build is given the images that were built before.
const parents = "parents"

// builds numbers the real builds: each has a shared key of its own, without which BuildKit takes a file of the same
// path, size and time for the file that it was sent before.
var builds atomic.Int64

var (
	stores     = map[string]content.Store{}
	storesLock sync.Mutex
)

// opened is the store of a folder, opened once.
func opened(folder string) (content.Store, error) {
	storesLock.Lock()
	defer storesLock.Unlock()
	if store, ok := stores[folder]; ok {
		return store, nil
	}
	store, err := contentlocal.NewStore(folder)
	if err == nil {
		stores[folder] = store
	}
	return store, err
}

// build really builds, as a plain build of the whole context does, and keeps the image in the store of the request.
func build(ctx context.Context, c *client.Client, r request) answer {
	a := answer{ID: r.ID}
	attrs, mounts, err := asked(r)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	if !r.Exact {
		for name, folder := range contexts(r) {
			ignoreFiles := []string{filepath.Join(folder, ".dockerignore")}
			if name == "context" {
				own := filepath.Join(r.Dockerfile, r.Filename+".dockerignore")
				ignoreFiles = append([]string{own}, ignoreFiles...)
			}
			if mounts[name], err = checkedOut(folder, ignoreFiles...); err != nil {
				a.Error = err.Error()
				return a
			}
		}
	}
	store, err := opened(r.Store)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	for name, built := range r.Parents {
		attrs["context:"+name] = "oci-layout://" + parents + "@" + built
	}
	if r.NoCache {
		attrs["no-cache"] = ""
	}
	opt := client.SolveOpt{
		Frontend:      "dockerfile.v0",
		FrontendAttrs: attrs,
		LocalMounts:   mounts,
		// As the planner asks for it, with --allow, where an image has the host's network.
		AllowedEntitlements: []string{"network.host"},
		SharedKey:           fmt.Sprintf("judge-%d", builds.Add(1)),
		OCIStores:           map[string]content.Store{parents: store},
		Exports:             []client.ExportEntry{{Type: client.ExporterOCI, Attrs: map[string]string{"tar": "false"}, OutputStore: store}},
		Session:             []session.Attachable{secretsprovider.FromMap(map[string][]byte{"s": []byte("secret")})},
	}
	news := make(chan *client.SolveStatus)
	seen := make(chan map[digest.Digest]*client.Vertex)
	go func() {
		found := map[digest.Digest]*client.Vertex{}
		for status := range news {
			for _, v := range status.Vertexes {
				found[v.Digest] = v
			}
		}
		seen <- found
	}()
	response, err := c.Solve(ctx, nil, opt, news)
	found := <-seen
	if err != nil {
		a.Error = err.Error()
		return a
	}
	a.Uncached = uncached(found)
	a.Digest = response.ExporterResponse["containerimage.digest"]
	if err := a.read(ctx, store); err != nil {
		a.Error = err.Error()
	}
	return a
}

// uncached names the steps that ran. What has no inputs (an image, a context) is only looked up.
func uncached(found map[digest.Digest]*client.Vertex) []string {
	names := []string{}
	for _, v := range found {
		if len(v.Inputs) > 0 && v.Completed != nil && !v.Cached && !strings.HasPrefix(v.Name, "[internal]") {
			names = append(names, v.Name)
		}
	}
	sort.Strings(names)
	return names
}

// read takes the image that was built out of its store.
func (a *answer) read(ctx context.Context, store content.Store) error {
	var manifest ocispecs.Manifest
	if err := document(ctx, store, digest.Digest(a.Digest), &manifest); err != nil {
		return err
	}
	if manifest.Config.Digest == "" {
		return errors.New("the result is not one image")
	}
	for _, layer := range manifest.Layers {
		held, err := contents(ctx, store, layer)
		if err != nil {
			return err
		}
		a.Layers = append(a.Layers, layer.Digest.String())
		a.Contents = append(a.Contents, held)
	}
	var config map[string]any
	if err := document(ctx, store, manifest.Config.Digest, &config); err != nil {
		return err
	}
	delete(config, "rootfs") // the layers say it
	var err error
	a.Config, err = timeless(config)
	return err
}

func document(ctx context.Context, store content.Store, name digest.Digest, into any) error {
	dt, err := content.ReadBlob(ctx, store, ocispecs.Descriptor{Digest: name})
	if err != nil {
		return err
	}
	return json.Unmarshal(dt, into)
}
