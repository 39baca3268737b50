package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	gofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/continuity/fs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/tonistiigi/fsutil"
	fscopy "github.com/tonistiigi/fsutil/copy"
)

// view is a local context as BuildKit is sent it: filtered by its ignore file and by the paths that are asked for.
// Modes are git's, and unless it is exact, folders without a file are not there, as in a clean checkout.
type view struct {
	root  string
	exact bool
	memo  map[string]string
}

func newView(folder string, attrs map[string]string, exact bool) (*view, error) {
	all, err := fsutil.NewFS(folder)
	if err != nil {
		return nil, err
	}
	filtered, err := fsutil.NewFilterFS(all, &fsutil.FilterOpt{
		IncludePatterns: listed(attrs[pb.AttrIncludePatterns]),
		ExcludePatterns: listed(attrs[pb.AttrExcludePatterns]),
		FollowPaths:     listed(attrs[pb.AttrFollowPaths]),
	})
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "judge-")
	if err != nil {
		return nil, err
	}
	v := &view{root: root, exact: exact, memo: map[string]string{}}
	return v, filtered.Walk(context.Background(), "", func(path string, entry gofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return v.put(filtered, path, entry)
	})
}

func listed(text string) (found []string) {
	if text != "" {
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			panic(err)
		}
	}
	return found
}

func (v *view) close() { os.RemoveAll(v.root) }

func (v *view) put(from fsutil.FS, path string, entry gofs.DirEntry) error {
	place := filepath.Join(v.root, path)
	if entry.IsDir() {
		if v.exact {
			return os.MkdirAll(place, 0o755)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	if entry.Type()&gofs.ModeSymlink != 0 {
		stat, ok := info.Sys().(interface{ GetLinkname() string })
		if !ok {
			return fmt.Errorf("%s: no target", path)
		}
		return os.Symlink(stat.GetLinkname(), place)
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	source, err := from.Open(path)
	if err != nil {
		return err
	}
	defer source.Close()
	data, err := io.ReadAll(source)
	if err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	if err := os.WriteFile(place, data, mode); err != nil {
		return err
	}
	return os.Chmod(place, mode)
}

// tree is what a mount of a path shows.
func (v *view) tree(path string) (string, error) {
	if path == "" {
		path = "/"
	}
	place, err := fs.RootPath(v.root, path)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(place); err != nil {
		return "", fmt.Errorf("%s: not found", path)
	}
	return listing(place)
}

// copied is what a COPY or ADD takes: what each of its sources alone puts into an empty folder.
func (v *view) copied(action *pb.FileActionCopy) (string, error) {
	dt, err := json.Marshal(action)
	if err != nil {
		return "", err
	}
	if known, ok := v.memo[string(dt)]; ok {
		return known, nil
	}
	for _, path := range action.RequiredPaths {
		place, err := fs.RootPath(v.root, path)
		if err != nil {
			return "", err
		}
		if _, err := os.Lstat(place); err != nil {
			return "", fmt.Errorf("%s: not found", path)
		}
	}
	sources := []string{clean(action.Src)}
	if action.AllowWildcard {
		// A copy passes over what is no pattern, but the key of the step cannot be found then (cache/contenthash).
		if _, err := filepath.Match(action.Src, ""); err != nil {
			return "", err
		}
		if sources, err = fscopy.ResolveWildcards(v.root, clean(action.Src), action.FollowSymlink); err != nil {
			return "", err
		}
		if len(sources) == 0 && !action.AllowEmptyWildcard {
			return "", fmt.Errorf("%s not found", action.Src)
		}
	}
	taken := make([][]string, len(sources))
	for at, source := range sources {
		if taken[at], err = copiedAlone(v.root, source, action); err != nil {
			return "", fmt.Errorf("%s", strings.ReplaceAll(err.Error(), v.root, ""))
		}
	}
	v.memo[string(dt)] = hash(told(taken)...)
	return v.memo[string(dt)], nil
}

// told is what sources take, but for those that only make folders which another one makes too, such as an empty folder
// that a wildcard matches.
func told(taken [][]string) (values []string) {
	for at, lines := range taken {
		isTold := slices.ContainsFunc(lines, func(line string) bool { return line[0] != 'd' }) ||
			!slices.ContainsFunc(taken[:at], func(others []string) bool { return holds(others, lines) }) &&
				!slices.ContainsFunc(taken[at+1:], func(others []string) bool { return len(others) > len(lines) && holds(others, lines) })
		if isTold {
			values = append(values, hash(lines...))
		}
	}
	return values
}

func holds(all, some []string) bool {
	return !slices.ContainsFunc(some, func(line string) bool { return !slices.Contains(all, line) })
}

// copiedAlone does what docopy of solver/llbsolver/file/backend.go does with one source. Owners, --chmod and unpacking
// change nothing of what is taken; they stand in the graph.
func copiedAlone(from, source string, action *pb.FileActionCopy) ([]string, error) {
	to, err := os.MkdirTemp("", "judge-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(to)
	err = fscopy.Copy(context.Background(), from, source, to, clean(action.Dest), func(ci *fscopy.CopyInfo) {
		ci.IncludePatterns = action.IncludePatterns
		ci.ExcludePatterns = action.ExcludePatterns
		ci.CopyDirContents = action.DirCopyContents
		ci.FollowLinks = action.FollowSymlink
		ci.AlwaysReplaceExistingDestPaths = action.AlwaysReplaceExistingDestPaths
	})
	if err != nil {
		return nil, err
	}
	return entries(to)
}

func clean(path string) string {
	cleaned := filepath.Join("/", path)
	slashed := strings.TrimSuffix(cleaned, "/")
	switch {
	case strings.HasSuffix(path, "/."):
		return slashed + "/."
	case strings.HasSuffix(path, "/"):
		return slashed + "/"
	}
	return cleaned
}

// listing is every path at or below a place with its type and mode, and content or target.
func listing(place string) (string, error) {
	lines, err := entries(place)
	return hash(lines...), err
}

func entries(place string) (lines []string, err error) {
	err = filepath.WalkDir(place, func(path string, entry gofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case info.Mode()&gofs.ModeSymlink != 0:
			if content, err = os.Readlink(path); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(data)
		}
		lines = append(lines, fmt.Sprintf("%s %q %q", info.Mode(), path[len(place):], content))
		return nil
	})
	return lines, err
}
