package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"testing"
)

const vectors = "../../gateway/verifier/testdata/recordings"

func sorted(findings []finding) []string {
	lines := []string{}
	for _, f := range findings {
		line := fmt.Sprintf("%s %s %s", f.Severity, f.Code, f.Log)
		if f.Index != nil {
			line += fmt.Sprintf(" %d", *f.Index)
		}
		lines = append(lines, line)
	}
	sort.Strings(lines)
	return lines
}

func TestVectors(t *testing.T) {
	entries, err := os.ReadDir(vectors)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		count++
		t.Run(entry.Name(), func(t *testing.T) {
			folder := filepath.Join(vectors, entry.Name())
			var expected verdict
			raw, err := os.ReadFile(filepath.Join(folder, "expected.json"))
			if err != nil || json.Unmarshal(raw, &expected) != nil {
				t.Fatal(err)
			}
			found, err := answer(question{filepath.Join(folder, "recording"), filepath.Join(folder, "trust.json")})
			if err != nil {
				t.Fatal(err)
			}
			if found.Outcome != expected.Outcome {
				t.Errorf("outcome %s, expected %s", found.Outcome, expected.Outcome)
			}
			if a, b := sorted(found.Findings), sorted(expected.Findings); !reflect.DeepEqual(a, b) {
				t.Errorf("findings %q, expected %q", a, b)
			}
			if !reflect.DeepEqual(found.Logs, expected.Logs) {
				t.Errorf("logs %+v, expected %+v", found.Logs, expected.Logs)
			}
		})
	}
	if count < 50 {
		t.Errorf("only %d vectors", count)
	}
}
