package main

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxDepth   = 32
	maxInteger = 1<<53 - 1
)

// object is a JSON object; canonical form has no two equal keys.
type object map[string]any

var errNotCanonical = errors.New("not canonical JSON")

// parseCanonical takes canonical JSON (section 3) and nothing else: every deviation an encoder would not write is an error.
// Values are object, []any, string, int64, bool and nil.
func parseCanonical(text []byte) (value any, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			if problem != errNotCanonical {
				panic(problem)
			}
			value, err = nil, errNotCanonical
		}
	}()
	if !utf8.Valid(text) {
		return nil, errNotCanonical
	}
	reader := &jsonReader{text: text}
	value = reader.value(0)
	if reader.at != len(text) {
		return nil, errNotCanonical
	}
	return value, nil
}

type jsonReader struct {
	text []byte
	at   int
}

func (r *jsonReader) refuse() { panic(errNotCanonical) }

func (r *jsonReader) peek() byte {
	if r.at >= len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *jsonReader) take(literal string) {
	if len(r.text)-r.at < len(literal) || string(r.text[r.at:r.at+len(literal)]) != literal {
		r.refuse()
	}
	r.at += len(literal)
}

func (r *jsonReader) value(depth int) any {
	switch c := r.peek(); {
	case c == '{':
		return r.object(depth + 1)
	case c == '[':
		return r.list(depth + 1)
	case c == '"':
		return r.string()
	case c == 't':
		r.take("true")
		return true
	case c == 'f':
		r.take("false")
		return false
	case c == 'n':
		r.take("null")
		return nil
	default:
		return r.integer()
	}
}

func (r *jsonReader) object(depth int) object {
	if depth > maxDepth {
		r.refuse()
	}
	r.take("{")
	found := object{}
	if r.peek() == '}' {
		r.at++
		return found
	}
	previous := ""
	for {
		key := r.string()
		if len(found) > 0 && !utf16Less(previous, key) {
			r.refuse()
		}
		previous = key
		r.take(":")
		found[key] = r.value(depth)
		if r.peek() == '}' {
			r.at++
			return found
		}
		r.take(",")
	}
}

func (r *jsonReader) list(depth int) []any {
	if depth > maxDepth {
		r.refuse()
	}
	r.take("[")
	found := []any{}
	if r.peek() == ']' {
		r.at++
		return found
	}
	for {
		found = append(found, r.value(depth))
		if r.peek() == ']' {
			r.at++
			return found
		}
		r.take(",")
	}
}

func (r *jsonReader) integer() int64 {
	start := r.at
	for c := r.peek(); c == '-' || c >= '0' && c <= '9'; c = r.peek() {
		r.at++
	}
	text := string(r.text[start:r.at])
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(number, 10) != text || number > maxInteger || number < -maxInteger {
		r.refuse()
	}
	return number
}

var shortEscapes = map[byte]byte{'"': '"', '\\': '\\', 'b': '\b', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r'}

func (r *jsonReader) string() string {
	r.take(`"`)
	var found []byte
	for {
		c := r.peek()
		switch {
		case r.at >= len(r.text) || c < 0x20:
			r.refuse()
		case c == '"':
			r.at++
			return string(found)
		case c == '\\':
			found = append(found, r.escape())
		default:
			found = append(found, c)
			r.at++
		}
	}
}

// escape reads what JSON.stringify escapes: seven short forms, and \u00xx in lower case for the other control characters.
func (r *jsonReader) escape() byte {
	r.at++
	if plain, ok := shortEscapes[r.peek()]; ok {
		r.at++
		return plain
	}
	r.take("u00")
	if len(r.text)-r.at < 2 {
		r.refuse()
	}
	hex := string(r.text[r.at : r.at+2])
	code, err := strconv.ParseUint(hex, 16, 8)
	if err != nil || code >= 0x20 || !isHex(hex) {
		r.refuse()
	}
	switch code {
	case '\b', '\t', '\n', '\f', '\r':
		r.refuse()
	}
	r.at += 2
	return byte(code)
}

func utf16Less(a, b string) bool {
	left, right := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := 0; i < len(left) && i < len(right); i++ {
		if left[i] != right[i] {
			return left[i] < right[i]
		}
	}
	return len(left) < len(right)
}

func utf16Length(text string) int { return len(utf16.Encode([]rune(text))) }

func isHex(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

func isHash(value any) bool {
	text, ok := value.(string)
	return ok && len(text) == 64 && isHex(text)
}

// quote writes a string as JSON.stringify does.
func quote(text string) string {
	out := []byte{'"'}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, `\b`...)
		case '\t':
			out = append(out, `\t`...)
		case '\n':
			out = append(out, `\n`...)
		case '\f':
			out = append(out, `\f`...)
		case '\r':
			out = append(out, `\r`...)
		default:
			if c < 0x20 {
				out = append(out, `\u00`...)
				out = append(out, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			} else {
				out = append(out, c)
			}
		}
	}
	return string(append(out, '"'))
}
