package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type textRequest struct {
	Text  string   `json:"text"`  // an ignore file
	Glob  bool     `json:"glob"`  // no ignore file: one pattern of COPY, for one component of a path
	Name  bool     `json:"name"`  // no ignore file: a reference to an image
	Paths []string `json:"paths"` // of a context, with `/`
}

type textAnswer struct {
	Error string `json:"error,omitempty"`
	Hits  []bool `json:"hits,omitempty"`
	Text  string `json:"text,omitempty"` // a reference in normal form
}

// asLibraries answers each request as the library does that BuildKit asks about such a text.
func asLibraries(lines *bufio.Scanner) error {
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var r textRequest
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		answered := ignored
		if r.Glob {
			answered = globbed
		}
		if r.Name {
			answered = named
		}
		if err := encoder.Encode(answered(r)); err != nil {
			return err
		}
	}
	return lines.Err()
}

// ignored says which paths an ignore file leaves out, as a walk from folder to folder decides it (fsutil).
func ignored(r textRequest) textAnswer {
	patterns, err := ignorefile.ReadAll(strings.NewReader(r.Text))
	if err != nil {
		return textAnswer{Error: err.Error()}
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return textAnswer{Error: err.Error()}
	}
	a := textAnswer{}
	for _, file := range r.Paths {
		hit, _, err := walked(matcher, file)
		if err != nil {
			return textAnswer{Error: err.Error()}
		}
		a.Hits = append(a.Hits, hit)
	}
	return a
}

func globbed(r textRequest) textAnswer {
	a := textAnswer{}
	for _, name := range r.Paths {
		hit, err := filepath.Match(r.Text, name)
		if err != nil {
			return textAnswer{Error: err.Error()}
		}
		a.Hits = append(a.Hits, hit)
	}
	return a
}

func named(r textRequest) textAnswer {
	parsed, err := reference.ParseNormalizedNamed(r.Text)
	if err != nil {
		return textAnswer{Error: err.Error()}
	}
	return textAnswer{Text: reference.TagNameOnly(parsed).String()}
}

func walked(matcher *patternmatcher.PatternMatcher, file string) (bool, patternmatcher.MatchInfo, error) {
	above := patternmatcher.MatchInfo{}
	if folder := path.Dir(file); folder != "." {
		_, info, err := walked(matcher, folder)
		if err != nil {
			return false, info, err
		}
		above = info
	}
	return matcher.MatchesUsingParentResults(file, above)
}
