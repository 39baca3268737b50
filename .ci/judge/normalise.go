package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/encoding/protojson"
)

// normaliser turns a graph into one value. A local context counts only through the files that a step takes from it.
type normaliser struct {
	ops   map[string]*pb.Op
	done  map[string]string
	views map[string]*view
	trees map[string]string // folders of local contexts by name
	last  *pb.Op
	exact bool
	lines []string
	taken []string
	open  bool // something is fetched that may be another thing every time
}

func newNormaliser(def *pb.Definition, folders map[string]string, exact bool) (*normaliser, error) {
	n := &normaliser{exact: exact, ops: map[string]*pb.Op{}, done: map[string]string{}, views: map[string]*view{}, trees: folders}
	if def == nil {
		return n, nil
	}
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			return nil, err
		}
		n.ops[string(digest.FromBytes(dt))] = &op
		n.last = &op
	}
	return n, nil
}

func (n *normaliser) close() {
	for _, v := range n.views {
		v.close()
	}
}

func (n *normaliser) files() string {
	sort.Strings(n.taken)
	return hash(n.taken...)
}

// value is that of the whole image: its graph and its configuration without times.
func (n *normaliser) value(config []byte) (string, error) {
	graph := "scratch"
	if n.last != nil && len(n.last.Inputs) > 0 {
		var err error
		if graph, err = n.input(n.last.Inputs[0], whole); err != nil {
			return "", err
		}
	}
	var image map[string]any
	if err := json.Unmarshal(config, &image); err != nil {
		return "", err
	}
	text, err := timeless(image)
	if err != nil {
		return "", err
	}
	n.lines = append(n.lines, "config "+text)
	return hash(graph, text), nil
}

// timeless is an image's configuration without times, as JSON in a fixed order.
func timeless(config map[string]any) (string, error) {
	delete(config, "created")
	if history, ok := config["history"].([]any); ok {
		for _, one := range history {
			delete(one.(map[string]any), "created")
		}
	}
	dt, err := json.Marshal(config)
	return string(dt), err
}

// whole takes everything that a local context shows.
func whole(v *view) (string, error) { return v.tree("/") }

// input gives the value of an input; take says what is taken where it is a local context.
func (n *normaliser) input(in *pb.Input, take func(*view) (string, error)) (string, error) {
	op := n.ops[in.Digest]
	if name, ok := localContext(op); ok {
		v, err := n.view(in.Digest, name, op.GetSource().Attrs)
		if err != nil {
			return "", err
		}
		taken, err := take(v)
		n.taken = append(n.taken, taken)
		return "local " + taken, err
	}
	value, err := n.op(in.Digest)
	return fmt.Sprintf("%s %d", value, in.Index), err
}

func localContext(op *pb.Op) (string, bool) {
	if op.GetSource() == nil {
		return "", false
	}
	return strings.CutPrefix(op.GetSource().Identifier, "local://")
}

func (n *normaliser) view(key, name string, attrs map[string]string) (*view, error) {
	if v, ok := n.views[key]; ok {
		return v, nil
	}
	v, err := newView(n.trees[name], attrs, n.exact)
	if err == nil {
		n.views[key] = v
	}
	return v, err
}

func (n *normaliser) op(key string) (string, error) {
	if value, ok := n.done[key]; ok {
		return value, nil
	}
	op := n.ops[key]
	document, err := plain(op)
	if err != nil {
		return "", err
	}
	inputs := make([][]string, len(op.Inputs))
	add := func(at int64, take func(*view) (string, error)) error {
		if at < 0 || int(at) >= len(op.Inputs) {
			return nil
		}
		value, err := n.input(op.Inputs[at], take)
		inputs[at] = append(inputs[at], value)
		return err
	}
	switch kind := op.Op.(type) {
	case *pb.Op_File:
		for _, action := range kind.File.Actions {
			if err := add(int64(action.Input), whole); err != nil {
				return "", err
			}
			copied := action.GetCopy()
			if err := add(int64(action.SecondaryInput), func(v *view) (string, error) {
				if copied == nil {
					return whole(v)
				}
				return v.copied(copied)
			}); err != nil {
				return "", err
			}
		}
	case *pb.Op_Exec:
		for _, mount := range kind.Exec.Mounts {
			if err := add(mount.Input, func(v *view) (string, error) { return v.tree(mount.Selector) }); err != nil {
				return "", err
			}
		}
	case *pb.Op_Source:
		n.open = n.open || mayChange(kind.Source)
	default:
		for at := range op.Inputs {
			if err := add(int64(at), whole); err != nil {
				return "", err
			}
		}
	}
	text := fmt.Sprintf("%s inputs %q", document, inputs)
	n.lines = append(n.lines, text)
	n.done[key] = hash(text)
	return n.done[key], nil
}

var commit = regexp.MustCompile(`#([0-9a-f]{40}|[0-9a-f]{64})(:|$)`)

// mayChange tells whether a source that is fetched from the network is not held to a checksum or a commit.
func mayChange(source *pb.SourceOp) bool {
	switch scheme, _, _ := strings.Cut(source.Identifier, "://"); scheme {
	case "http", "https":
		return source.Attrs[pb.AttrHTTPChecksum] == ""
	case "git":
		return source.Attrs[pb.AttrGitChecksum] == "" && !commit.MatchString(source.Identifier)
	}
	return false
}

// plain is an op as JSON in a fixed order, without what enters no cache key: inputs, proxies, worker constraints.
func plain(op *pb.Op) (string, error) {
	dt, err := protojson.Marshal(op)
	if err != nil {
		return "", err
	}
	var document map[string]any
	if err := json.Unmarshal(dt, &document); err != nil {
		return "", err
	}
	delete(document, "inputs")
	delete(document, "constraints")
	if exec, ok := document["exec"].(map[string]any); ok {
		if meta, ok := exec["meta"].(map[string]any); ok {
			delete(meta, "proxyEnv")
		}
	}
	if source, ok := document["source"].(map[string]any); ok {
		// A name with a tag is resolved to a digest or not, by how it is given; the registry here does not change.
		name, _, found := strings.Cut(source["identifier"].(string), "@sha256:")
		if found && strings.Contains(name[strings.LastIndex(name, "/"):], ":") {
			source["identifier"] = name
		}
	}
	sorted, err := json.Marshal(document)
	return string(sorted), err
}

func hash(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}
