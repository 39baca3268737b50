// Command argo has Argo Workflows' own validation read manifests: `argo FILE…` prints what it refuses and ends with 1.
//
// It is what Argo's controller does with a workflow before it runs one step: fields strictly, then templates, the
// references between them, parameters, and the graph of each DAG.
package main

import (
	"fmt"
	"os"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/validate"
	"github.com/sirupsen/logrus"
	"sigs.k8s.io/yaml"
)

func main() {
	logrus.SetLevel(logrus.ErrorLevel)
	status := 0
	for _, file := range os.Args[1:] {
		if err := judged(file); err != nil {
			fmt.Printf("%s: %v\n", file, err)
			status = 1
		}
	}
	os.Exit(status)
}

func judged(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var workflow wfv1.Workflow
	if err := yaml.UnmarshalStrict(text, &workflow); err != nil {
		return err
	}
	// No template refers to another object, so nothing is looked up.
	return validate.ValidateWorkflow(nil, nil, &workflow, nil, validate.ValidateOpts{Lint: true})
}
