// Command kubernetes asks Kubernetes' own code what it thinks of our CustomResourceDefinitions and examples: the
// validation a CRD goes through when it is created (structural schema, defaults, CEL types and cost), and what a custom
// resource goes through when it is created with strict field validation. It prints one JSON object:
// file name -> list of faults.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	resourcevalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

const apiVersion = "piste.dev/v1alpha1"

// kind is what the API server keeps of one CustomResourceDefinition.
type kind struct {
	structural *schema.Structural
	values     resourcevalidation.SchemaValidator
	rules      *cel.Validator
}

func main() {
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string, out io.Writer) error {
	faults := map[string][]string{}
	kinds := map[string]kind{}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	err := eachFile(filepath.Join(root, "manifests"), func(name string, text []byte) error {
		found, err := readDefinition(scheme, text, kinds)
		faults["manifests/"+name] = found
		return err
	})
	if err != nil {
		return err
	}
	for _, folder := range []string{"valid", "invalid"} {
		err := eachFile(filepath.Join(root, "examples", folder), func(name string, text []byte) error {
			found, err := checkResources(text, kinds)
			faults[folder+"/"+name] = found
			return err
		})
		if err != nil {
			return err
		}
	}
	return json.NewEncoder(out).Encode(faults)
}

func eachFile(folder string, visit func(name string, text []byte) error) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := visit(filepath.Base(file), text); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func readDefinition(scheme *runtime.Scheme, text []byte, kinds map[string]kind) ([]string, error) {
	var served v1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &served); err != nil {
		return []string{err.Error()}, nil
	}
	v1.SetDefaults_CustomResourceDefinition(&served)
	v1.SetDefaults_CustomResourceDefinitionSpec(&served.Spec)
	served.Status.StoredVersions = []string{served.Spec.Versions[0].Name}
	var definition apiextensions.CustomResourceDefinition
	if err := scheme.Convert(&served, &definition, nil); err != nil {
		return nil, err
	}
	faults := messages(crdvalidation.ValidateCustomResourceDefinition(context.Background(), &definition))
	// With one version the internal form carries the schema at the top.
	properties := definition.Spec.Validation.OpenAPIV3Schema
	structural, err := schema.NewStructural(properties)
	if err != nil {
		return nil, err
	}
	values, _, err := resourcevalidation.NewSchemaValidator(properties)
	if err != nil {
		return nil, err
	}
	rules := cel.NewValidator(structural, true, celconfig.PerCallLimit)
	kinds[definition.Spec.Names.Kind] = kind{structural, values, rules}
	return faults, nil
}

func checkResources(text []byte, kinds map[string]kind) ([]string, error) {
	faults := []string{}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return faults, nil
		}
		if err != nil {
			return nil, err
		}
		var object map[string]any
		if err := yaml.UnmarshalStrict(document, &object); err != nil {
			faults = append(faults, err.Error())
			continue
		}
		if object != nil {
			faults = append(faults, checkResource(object, kinds)...)
		}
	}
}

// checkResource follows the order of the create handler: prune, default, validate.
func checkResource(object map[string]any, kinds map[string]kind) []string {
	of, known := kinds[fmt.Sprint(object["kind"])]
	if !known || object["apiVersion"] != apiVersion {
		return []string{"unknown kind"}
	}
	withIntegers(object)
	faults := []string{}
	options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(object, of.structural, true, options) {
		faults = append(faults, "unknown field "+path)
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, of.structural)
	defaulting.Default(object, of.structural)
	found := resourcevalidation.ValidateCustomResource(nil, object, of.values)
	found = append(found, listtype.ValidateListSetsAndMaps(nil, of.structural, object)...)
	broken, _ := of.rules.Validate(context.Background(), nil, of.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(faults, messages(append(found, broken...))...)
}

// withIntegers turns whole numbers into int64, as the API server's own decoder does.
func withIntegers(value any) any {
	switch typed := value.(type) {
	case map[string]any:
		for key := range typed {
			typed[key] = withIntegers(typed[key])
		}
	case []any:
		for index := range typed {
			typed[index] = withIntegers(typed[index])
		}
	case float64:
		if typed == float64(int64(typed)) {
			return int64(typed)
		}
	}
	return value
}

func messages(list field.ErrorList) []string {
	texts := []string{}
	for _, each := range list {
		texts = append(texts, each.Error())
	}
	return texts
}
