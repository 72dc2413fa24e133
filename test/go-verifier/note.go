package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type hash = [32]byte

// decodeBase64 takes base64 only as an encoder writes it (section 1).
func decodeBase64(text string) ([]byte, bool) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	return decoded, err == nil && base64.StdEncoding.EncodeToString(decoded) == text
}

func decodeRoot(value any) (root hash, ok bool) {
	text, isText := value.(string)
	decoded, isBase64 := decodeBase64(text)
	if !isText || !isBase64 || len(decoded) != 32 {
		return root, false
	}
	copy(root[:], decoded)
	return root, true
}

func encodeBase64(value []byte) string { return base64.StdEncoding.EncodeToString(value) }

// verifierKey is a C2SP vkey.
type verifierKey struct {
	text, name string
	id         [4]byte
	key        ed25519.PublicKey
}

func parseVkey(text string) (verifierKey, bool) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 || !isKeyName(parts[0]) || len(parts[1]) != 8 || !isHex(parts[1]) {
		return verifierKey{}, false
	}
	body, ok := decodeBase64(parts[2])
	if !ok || len(body) != 33 || body[0] != 1 {
		return verifierKey{}, false
	}
	vkey := verifierKey{text: text, name: parts[0], key: body[1:]}
	digest := sha256.Sum256([]byte(parts[0] + "\n" + string(body)))
	copy(vkey.id[:], digest[:4])
	return vkey, hex.EncodeToString(vkey.id[:]) == parts[1]
}

func isKeyName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '+' || r < 0x20 })
}

type signature struct {
	name  string
	bytes []byte // key id and what the algorithm adds
}

// note is a C2SP signed note: the text ends in a newline, at least one signature follows the empty line.
type note struct {
	text       string
	signatures []signature
}

func parseNote(raw string) (note, bool) {
	split := strings.LastIndex(raw, "\n\n")
	if split < 0 || !utf8.ValidString(raw) || strings.ContainsFunc(raw, func(r rune) bool { return r < 0x20 && r != '\n' }) {
		return note{}, false
	}
	parsed := note{text: raw[:split+1]}
	rest := raw[split+2:]
	if rest == "" || !strings.HasSuffix(rest, "\n") {
		return note{}, false
	}
	for _, line := range strings.Split(strings.TrimSuffix(rest, "\n"), "\n") {
		fields := strings.Split(line, " ")
		if len(fields) != 3 || fields[0] != "—" || !isKeyName(fields[1]) {
			return note{}, false
		}
		decoded, ok := decodeBase64(fields[2])
		if !ok || len(decoded) < 5 {
			return note{}, false
		}
		parsed.signatures = append(parsed.signatures, signature{fields[1], decoded})
	}
	return parsed, true
}

func (n note) signedBy(key verifierKey) bool {
	for _, s := range n.signatures {
		if s.name == key.name && bytes.Equal(s.bytes[:4], key.id[:]) {
			return len(s.bytes) == 68 && ed25519.Verify(key.key, []byte(n.text), s.bytes[4:])
		}
	}
	return false
}

// checkpoint is the text of a checkpoint, with its extension lines.
type checkpoint struct {
	origin string
	size   int64
	root   hash
	more   []string
}

func parseCheckpoint(text string) (checkpoint, bool) {
	if !strings.HasSuffix(text, "\n") {
		return checkpoint{}, false
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		return checkpoint{}, false
	}
	size, ok := parseSize(lines[1])
	root, isRoot := decodeRoot(lines[2])
	return checkpoint{lines[0], size, root, lines[3:]}, ok && isRoot && lines[0] != ""
}

func parseSize(text string) (int64, bool) {
	size, err := strconv.ParseInt(text, 10, 64)
	return size, err == nil && strconv.FormatInt(size, 10) == text && size >= 0 && size <= maxInteger
}

func checkpointText(origin string, size int64, root hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, encodeBase64(root[:]))
}

// tree is the growing edge of an RFC 6962 tree: roots of its full subtrees, largest first.
type tree struct {
	size  int64
	edges []hash
}

func leafHash(leaf []byte) hash { return sha256.Sum256(append([]byte{0}, leaf...)) }

func nodeHash(left, right hash) hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func (t *tree) add(leaf hash) {
	for bit := t.size; bit&1 == 1; bit >>= 1 {
		leaf = nodeHash(t.edges[len(t.edges)-1], leaf)
		t.edges = t.edges[:len(t.edges)-1]
	}
	t.edges = append(t.edges, leaf)
	t.size++
}

func (t *tree) root() hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	root := t.edges[len(t.edges)-1]
	for i := len(t.edges) - 2; i >= 0; i-- {
		root = nodeHash(t.edges[i], root)
	}
	return root
}
