package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/containerd/containerd/v2/core/content"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

var (
	known     = map[digest.Digest]string{}
	knownLock sync.Mutex
)

// contents is what a layer holds, times apart. A layer is read once.
func contents(ctx context.Context, store content.Store, layer ocispecs.Descriptor) (string, error) {
	knownLock.Lock()
	value, ok := known[layer.Digest]
	knownLock.Unlock()
	if ok {
		return value, nil
	}
	blob, err := store.ReaderAt(ctx, layer)
	if err != nil {
		return "", err
	}
	defer blob.Close()
	plain, err := gzip.NewReader(content.NewReader(blob))
	if err != nil {
		return "", err
	}
	var lines []string
	for archive := tar.NewReader(plain); ; {
		entry, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		bytes := sha256.New()
		if _, err := io.Copy(bytes, archive); err != nil {
			return "", err
		}
		records := maps.Clone(entry.PAXRecords)
		for _, name := range []string{"mtime", "atime", "ctime"} {
			delete(records, name)
		}
		lines = append(lines, fmt.Sprintf("%q %c %o %d:%d %q %x %v", entry.Name, entry.Typeflag, entry.Mode,
			entry.Uid, entry.Gid, entry.Linkname, bytes.Sum(nil), records))
	}
	slices.Sort(lines)
	value = hash(lines...)
	knownLock.Lock()
	known[layer.Digest] = value
	knownLock.Unlock()
	return value, nil
}
