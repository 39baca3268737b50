// Command judge asks a buildkitd what images are made of: the graph and the configuration that its own Dockerfile
// frontend gives, and the files of local contexts that each step would really get, copied with BuildKit's own library.
//
// A request that names a store is really built instead: see build.go. With -libraries requests are texts for BuildKit's
// libraries: see libraries.go.
//
// It reads one request a line and writes one answer a line, both JSON. The answer's value is equal for two requests
// exactly when BuildKit would build the same image for both, times apart.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"

	"github.com/containerd/log"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/tonistiigi/fsutil"
)

type request struct {
	ID         int               `json:"id"`
	Dockerfile string            `json:"dockerfile"` // a folder
	Filename   string            `json:"filename"`
	Context    string            `json:"context"`
	Named      map[string]string `json:"named"` // a folder, or docker-image://…
	Args       map[string]string `json:"args"`
	Labels     map[string]string `json:"labels"`
	Target     string            `json:"target"`
	Platform   string            `json:"platform"`
	Network    string            `json:"network"`
	Exact      bool              `json:"exact"` // contexts are taken as they are, empty folders and all
	Verbose    bool              `json:"verbose"`

	Store   string            `json:"store"`   // a folder of blobs: with one, the image is really built, and kept there
	Parents map[string]string `json:"parents"` // named contexts that are images of the store, by digest
	NoCache bool              `json:"noCache"`
}

type answer struct {
	ID     int      `json:"id"`
	Error  string   `json:"error,omitempty"`  // the frontend refuses
	Broken string   `json:"broken,omitempty"` // the build would stop: a file is missing
	Value  string   `json:"value,omitempty"`
	Files  string   `json:"files,omitempty"` // of the files only
	Open   bool     `json:"open,omitempty"`  // what is fetched may be another thing every time
	Lines  []string `json:"lines,omitempty"`

	Digest   string   `json:"digest,omitempty"` // of an image that was built
	Config   string   `json:"config,omitempty"` // without times
	Layers   []string `json:"layers,omitempty"`
	Contents []string `json:"contents,omitempty"` // of the layers, without times
	Uncached []string `json:"uncached,omitempty"` // the steps that ran
}

func main() {
	address := flag.String("addr", os.Getenv("BUILDKIT_HOST"), "buildkitd")
	parallel := flag.Int("parallel", 2, "requests at once")
	libraries := flag.Bool("libraries", false, "answer as the libraries of BuildKit do; no buildkitd is asked")
	flag.Parse()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	if *libraries {
		if err := asLibraries(lines); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx := context.Background()
	_ = log.SetLevel("error")
	c, err := client.New(ctx, *address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var output sync.Mutex
	encoder := json.NewEncoder(os.Stdout)
	requests := make(chan request)
	var workers sync.WaitGroup
	for range *parallel {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for r := range requests {
				a := answered(ctx, c, r)
				output.Lock()
				if err := encoder.Encode(a); err != nil {
					os.Exit(1)
				}
				output.Unlock()
			}
		}()
	}
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		requests <- r
	}
	close(requests)
	workers.Wait()
}

func answered(ctx context.Context, c *client.Client, r request) answer {
	if r.Store != "" {
		return build(ctx, c, r)
	}
	return judge(ctx, c, r)
}

func judge(ctx context.Context, c *client.Client, r request) answer {
	a := answer{ID: r.ID}
	def, config, err := convert(ctx, c, r)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	n, err := newNormaliser(def, contexts(r), r.Exact)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	defer n.close()
	a.Value, err = n.value(config)
	if err != nil {
		a.Broken = err.Error()
		a.Value = ""
	}
	a.Files = n.files()
	a.Open = n.open
	if r.Verbose {
		a.Lines = n.lines
	}
	return a
}

func contexts(r request) map[string]string {
	found := map[string]string{"context": r.Context}
	for name, value := range r.Named {
		if value[0] == '/' {
			found[localName(name)] = value
		}
	}
	return found
}

func localName(named string) string { return "named-" + named }

// asked is what a request asks the frontend for, and the folders that it may read.
func asked(r request) (map[string]string, map[string]fsutil.FS, error) {
	attrs := map[string]string{"filename": r.Filename}
	mounts := map[string]fsutil.FS{}
	folders := contexts(r)
	folders["dockerfile"] = r.Dockerfile
	for name, folder := range folders {
		fs, err := fsutil.NewFS(folder)
		if err != nil {
			return nil, nil, err
		}
		mounts[name] = fs
	}
	for name, value := range r.Named {
		if value[0] == '/' {
			value = "local:" + localName(name)
		}
		attrs["context:"+name] = value
	}
	for name, value := range r.Args {
		attrs["build-arg:"+name] = value
	}
	for name, value := range r.Labels {
		attrs["label:"+name] = value
	}
	if r.Target != "" {
		attrs["target"] = r.Target
	}
	if r.Platform != "" {
		attrs["platform"] = r.Platform
	}
	if r.Network != "" {
		attrs["force-network-mode"] = r.Network
	}
	return attrs, mounts, nil
}

func convert(ctx context.Context, c *client.Client, r request) (*pb.Definition, []byte, error) {
	attrs, mounts, err := asked(r)
	if err != nil {
		return nil, nil, err
	}
	var def *pb.Definition
	var config []byte
	opt := client.SolveOpt{LocalMounts: mounts, Internal: true}
	_, err = c.Build(ctx, opt, "planner-judge", func(ctx context.Context, g gateway.Client) (*gateway.Result, error) {
		result, err := g.Solve(ctx, gateway.SolveRequest{Frontend: "dockerfile.v0", FrontendOpt: attrs})
		if err != nil {
			return nil, err
		}
		config = result.Metadata["containerimage.config"]
		ref, err := result.SingleRef()
		if err != nil {
			return nil, err
		}
		if ref != nil {
			state, err := ref.ToState()
			if err != nil {
				return nil, err
			}
			marshalled, err := state.Marshal(ctx)
			if err != nil {
				return nil, err
			}
			def = marshalled.ToPB()
		}
		return gateway.NewResult(), nil
	}, nil)
	return def, config, err
}
