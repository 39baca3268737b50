package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type textRequest struct {
	Text  string   `json:"text"`  // an ignore file
	Glob  bool     `json:"glob"`  // no ignore file: one pattern of COPY, for one component of a path
	Name  bool     `json:"name"`  // no ignore file: a reference to an image
	Paths []string `json:"paths"` // of a context, with `/`

	Variables []string `json:"variables"` // no ignore file: a word with variables, which are NAME=VALUE
	Escape    string   `json:"escape"`
	Heredoc   bool     `json:"heredoc"` // the word is the content of a here-document
}

type textAnswer struct {
	Error string `json:"error,omitempty"`
	Hits  []bool `json:"hits,omitempty"`
	Text  string `json:"text,omitempty"` // a reference in normal form, an expanded word

	Words []string `json:"words,omitempty"` // the same, split at white space
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
		if r.Variables != nil {
			answered = expanded
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

func expanded(r textRequest) textAnswer {
	env := shell.EnvsFromSlice(r.Variables)
	lex := shell.NewLex([]rune(r.Escape)[0])
	lex.SkipProcessQuotes = r.Heredoc
	text, _, err := lex.ProcessWord(r.Text, env)
	if err != nil {
		return textAnswer{Error: err.Error()}
	}
	words, err := lex.ProcessWords(r.Text, env)
	if err != nil {
		return textAnswer{Error: err.Error()}
	}
	return textAnswer{Text: text, Words: words}
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
