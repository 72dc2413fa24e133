// Command go-verifier is a second reader of Piste's recordings, written from docs/recording-format.md alone.
//
//	go-verifier RECORDING [TRUST]   prints one verdict; exit code 0 sound, 1 tampered or unreadable, 2 cannot conclude, 3 usage
//	go-verifier -                   reads lines {"dir":…,"trust":…}, prints one verdict per line
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type question struct {
	Dir   string `json:"dir"`
	Trust string `json:"trust"`
}

func answer(q question) (*verdict, error) {
	kept := &trust{}
	if q.Trust != "" {
		raw, err := os.ReadFile(q.Trust)
		if err != nil {
			return nil, err
		}
		if kept, err = parseTrust(raw); err != nil {
			return nil, err
		}
	}
	return verify(q.Dir, kept)
}

func answerAll() int {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		var q question
		if json.Unmarshal(lines.Bytes(), &q) != nil {
			return 3
		}
		found, err := answer(q)
		if err != nil {
			encoder.Encode(map[string]string{"outcome": refusal(err)})
		} else {
			encoder.Encode(found)
		}
		out.Flush()
	}
	return 0
}

func run(arguments []string) int {
	if len(arguments) == 1 && arguments[0] == "-" {
		return answerAll()
	}
	if len(arguments) < 1 || len(arguments) > 2 {
		fmt.Fprintln(os.Stderr, "usage: go-verifier RECORDING [TRUST] | -")
		return 3
	}
	q := question{Dir: arguments[0]}
	if len(arguments) == 2 {
		q.Trust = arguments[1]
	}
	info, err := os.Stat(q.Dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if !info.IsDir() {
		fmt.Fprintln(os.Stderr, "this reader takes directories; evidence bundles, also of one session, are for piste audit verify and verify.html")
		return 3
	}
	found, err := answer(q)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	text, _ := json.Marshal(found)
	fmt.Println(string(text))
	switch found.Outcome {
	case sound:
		return 0
	case inconclusive:
		return 2
	}
	return 1
}

func main() { os.Exit(run(os.Args[1:])) }

// refusal tells a trust file that is none from files that cannot be read.
func refusal(err error) string {
	if err == errTrust {
		return "refused"
	}
	return "unreadable: " + err.Error()
}
