package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type ignoreRequest struct {
	Text  string   `json:"text"`  // an ignore file
	Glob  bool     `json:"glob"`  // no ignore file: one pattern of COPY, for one component of a path
	Paths []string `json:"paths"` // of a context, with `/`
}

type ignoreAnswer struct {
	Error string `json:"error,omitempty"`
	Hits  []bool `json:"hits,omitempty"`
}

// matchPatterns answers which paths an ignore file leaves out, as a walk from folder to folder decides it (fsutil).
func matchPatterns(lines *bufio.Scanner) error {
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var r ignoreRequest
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		answered := ignored
		if r.Glob {
			answered = globbed
		}
		if err := encoder.Encode(answered(r)); err != nil {
			return err
		}
	}
	return lines.Err()
}

func ignored(r ignoreRequest) ignoreAnswer {
	patterns, err := ignorefile.ReadAll(strings.NewReader(r.Text))
	if err != nil {
		return ignoreAnswer{Error: err.Error()}
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return ignoreAnswer{Error: err.Error()}
	}
	a := ignoreAnswer{}
	for _, file := range r.Paths {
		hit, _, err := walked(matcher, file)
		if err != nil {
			return ignoreAnswer{Error: err.Error()}
		}
		a.Hits = append(a.Hits, hit)
	}
	return a
}

func globbed(r ignoreRequest) ignoreAnswer {
	a := ignoreAnswer{}
	for _, name := range r.Paths {
		hit, err := filepath.Match(r.Text, name)
		if err != nil {
			return ignoreAnswer{Error: err.Error()}
		}
		a.Hits = append(a.Hits, hit)
	}
	return a
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
