// Command compose reads Compose projects with the library that `docker compose` reads them with, in the order in which
// that command sets it up, and tells what `docker compose config` would of each service's build.
//
// It reads one request a line and writes one answer a line, both JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
)

type request struct {
	Folder      string   `json:"folder"` // where docker compose is started
	Project     string   `json:"project"`
	Files       []string `json:"files"`
	EnvFiles    []string `json:"env_files"`
	Profiles    []string `json:"profiles"`
	Environment []string `json:"environment"`
	Alone       bool     `json:"alone"` // what it says of networks and of other services is not checked
}

type secret struct {
	Source string `json:"source"`
	Target string `json:"target,omitempty"`
	File   string `json:"file,omitempty"`
	Env    string `json:"environment,omitempty"`
}

type service struct {
	Image    string             `json:"image,omitempty"`
	Platform string             `json:"platform,omitempty"`
	Build    *types.BuildConfig `json:"build,omitempty"`
	SSH      map[string]string  `json:"ssh,omitempty"`
	Secrets  []secret           `json:"secrets,omitempty"`
}

type answer struct {
	Error    string             `json:"error,omitempty"`
	Files    []string           `json:"files,omitempty"`
	Services map[string]service `json:"services"`
}

func main() {
	logrus.SetOutput(io.Discard)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		found, err := read(asked)
		if err != nil {
			found = answer{Error: err.Error()}
		}
		if err := encoder.Encode(found); err != nil {
			panic(err)
		}
	}
}

func read(asked request) (found answer, err error) {
	if err := os.Chdir(asked.Folder); err != nil {
		return found, err
	}
	os.Clearenv()
	for _, entry := range asked.Environment {
		for i := range entry {
			if entry[i] == '=' {
				os.Setenv(entry[:i], entry[i+1:])
				break
			}
		}
	}
	options, err := cli.NewProjectOptions(asked.Files,
		cli.WithWorkingDirectory(asked.Project),
		cli.WithOsEnv,
		cli.WithEnvFiles(asked.EnvFiles...),
		cli.WithDotEnv,
		cli.WithConfigFileEnv,
		cli.WithDefaultConfigPath,
		cli.WithEnvFiles(asked.EnvFiles...),
		cli.WithDotEnv,
		cli.WithDefaultProfiles(asked.Profiles...),
		cli.WithName("project"),
		cli.WithConsistency(!asked.Alone),
		// What containers are given while they run is no matter of builds.
		cli.WithoutEnvironmentResolution,
	)
	if err != nil {
		return found, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return found, err
	}
	found.Services = map[string]service{}
	for name, one := range project.Services {
		told := service{Image: one.Image, Platform: one.Platform, Build: one.Build}
		if one.Build != nil {
			told.SSH = map[string]string{}
			for _, key := range one.Build.SSH {
				told.SSH[key.ID] = key.Path
			}
			for _, ref := range one.Build.Secrets {
				def := project.Secrets[ref.Source]
				told.Secrets = append(told.Secrets, secret{ref.Source, ref.Target, def.File, def.Environment})
			}
			one.Build.SSH, one.Build.Secrets = nil, nil
		}
		found.Services[name] = told
	}
	for _, file := range project.ComposeFiles {
		relative, err := filepath.Rel(asked.Folder, file)
		if err != nil {
			return found, err
		}
		found.Files = append(found.Files, relative)
	}
	return found, nil
}
