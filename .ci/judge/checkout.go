package main

import (
	"context"
	gofs "io/fs"
	"os"
	"path/filepath"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// checkedOut is a folder as a clean checkout has it, seen through the first of the ignore files that is there: without
// folders of which nothing is left. BuildKit filters it once more, which takes nothing away.
func checkedOut(folder string, ignoreFiles ...string) (fsutil.FS, error) {
	all, err := fsutil.NewFS(folder)
	if err != nil {
		return nil, err
	}
	excludes, err := rules(ignoreFiles)
	if err != nil {
		return all, nil // the frontend says it better
	}
	filtered, err := fsutil.NewFilterFS(all, &fsutil.FilterOpt{ExcludePatterns: excludes})
	if err != nil {
		return all, nil
	}
	held := map[string]bool{}
	err = filtered.Walk(context.Background(), "", func(path string, entry gofs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		for above := filepath.Dir(path); above != "."; above = filepath.Dir(above) {
			held[above] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return fsutil.NewFilterFS(filtered, &fsutil.FilterOpt{Map: func(path string, stat *types.Stat) fsutil.MapResult {
		if stat.IsDir() && !held[path] {
			return fsutil.MapResultExclude
		}
		return fsutil.MapResultKeep
	}})
}

func rules(ignoreFiles []string) ([]string, error) {
	for _, name := range ignoreFiles {
		file, err := os.Open(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return ignorefile.ReadAll(file)
	}
	return nil, nil
}
