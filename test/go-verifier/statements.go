package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// statement is what the records of one session say of one query id.
type statement struct {
	request  *leaf
	log      string
	asked    *leaf
	votes    []*leaf
	approved *leaf
	session  *leaf
}

// judgeStatements applies the rules between records: nothing ran without leave, approvals are some, hashes are those of texts.
func (j *judge) judgeStatements() {
	unread := false
	sessions := map[string]*leaf{}
	for _, files := range j.files {
		for _, record := range j.logs[files.ulid].records {
			if record.kind == "session.open" && sessions[record.sid] == nil {
				sessions[record.sid] = record
			}
		}
	}
	statements := map[string]*statement{}
	for _, files := range j.files {
		for _, record := range j.logs[files.ulid].records {
			qid := record.fields.text("qid")
			place := record.sid + "\n" + qid
			known := statements[place]
			switch record.kind {
			case "request":
				if qid == "" {
					break
				}
				if known == nil {
					known = &statement{session: sessions[record.sid]}
					statements[place] = known
				}
				known.request, known.log = record, files.ulid
				if !j.judgeHashes(files.ulid, record, known) {
					unread = true
				}
			case "approval.request":
				if known != nil {
					known.asked = record
				}
			case "approval.vote":
				if known != nil {
					known.votes = append(known.votes, record)
				}
			case "decision":
				if known != nil && record.fields.text("v") == "approved" {
					known.approved = record
					j.judgeApproval(files.ulid, record, known)
				}
			case "response", "chunk":
				j.judgeAnswer(files.ulid, record, known)
			}
		}
	}
	if unread {
		j.tell(remark, "texts-not-checked", "")
	}
}

func (j *judge) judgeAnswer(ulid string, record *leaf, known *statement) {
	if record.fields.text("qid") == "" {
		j.tellAt(inconclusive, "no-query-id", ulid, record.index)
		return
	}
	if known == nil || known.request == nil {
		j.tellAt(inconclusive, "orphan-response", ulid, record.index)
		return
	}
	if !known.mayRun() {
		if _, result := record.fields["rows"]; result || record.kind == "chunk" {
			j.tellAt(tampered, "ran-without-leave", ulid, record.index)
		}
	}
}

// mayRun: a record written by way of a permit let the statement run, and where it was held, an approval of the same hash.
func (s *statement) mayRun() bool {
	if s.request.fields.at("dec").text("v") == "hold" {
		return s.approved != nil && s.approved.permit != "" && s.approved.fields.text("hash") == s.request.fields.text("hash")
	}
	return s.request.permit != ""
}

func (j *judge) judgeApproval(ulid string, decision *leaf, s *statement) {
	apr := decision.fields.text("apr")
	if s.asked == nil || s.asked.fields.text("apr") != apr {
		j.tellAt(tampered, "approved-without-request", ulid, decision.index)
		return
	}
	if s.asked.fields.text("hash") != decision.fields.text("hash") {
		j.tellAt(tampered, "approval-mismatch", ulid, decision.index)
	}
	votes, _ := decision.fields["votes"].([]any)
	for _, item := range votes {
		vote, _ := item.(object)
		if vote.text("choice") == "deny" {
			continue
		}
		if !s.hasVote(vote) {
			j.tellAt(tampered, "approved-without-vote", ulid, decision.index)
		}
		if s.session != nil {
			if who := s.session.fields.at("who"); who != nil && who.text("iss") == vote.text("iss") && who.text("sub") == vote.text("sub") {
				j.tellAt(tampered, "approved-by-requester", ulid, decision.index)
			}
		}
	}
	if len(votes) == 0 {
		j.tellAt(tampered, "approved-without-vote", ulid, decision.index)
	}
}

func (s *statement) hasVote(vote object) bool {
	for _, record := range s.votes {
		f := record.fields
		if f.text("iss") == vote.text("iss") && f.text("sub") == vote.text("sub") && f.text("choice") == vote.text("choice") {
			return true
		}
	}
	return false
}

// judgeHashes answers false where the texts of a request could not be read.
func (j *judge) judgeHashes(ulid string, record *leaf, s *statement) bool {
	if record.permit == "" && record.fields.text("hash") == "" {
		return true
	}
	named := map[string]bool{}
	for _, p := range record.parts {
		named[p.name] = true
	}
	sql, here := record.bodies["sql"]
	binds, bound := record.bodies["binds"]
	if !here && named["sql"] || named["binds"] && !bound {
		return false
	}
	if record.permit != "" && permitHash(sql, binds, bound) != record.permit {
		j.tellAt(tampered, "permit-mismatch", ulid, record.index)
	}
	if bindings := record.fields.text("hash"); bindings != "" && s.session != nil {
		ctx := record.fields.at("ctx")
		values := []any{string(sql), nil, ctx["role"], ctx["wh"], ctx["db"], ctx["sch"], s.session.fields["connection"], s.session.fields["account"]}
		if bound {
			values[1] = string(binds)
		}
		if bindingHash(values) != bindings {
			j.tellAt(tampered, "binding-mismatch", ulid, record.index)
		}
	}
	return true
}

func permitHash(sql, binds []byte, bound bool) string {
	text := fmt.Sprintf("%d\n%s-", len(sql), sql)
	if bound {
		text = fmt.Sprintf("%d\n%s+%s", len(sql), sql, binds)
	}
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

func bindingHash(values []any) string {
	out := []byte("piste binding v1\n")
	for _, value := range values {
		text, here := value.(string)
		if !here {
			out = append(out, 0)
			continue
		}
		out = append(out, 1)
		out = binary.BigEndian.AppendUint64(out, uint64(len(text)))
		out = append(out, text...)
	}
	digest := sha256.Sum256(out)
	return hex.EncodeToString(digest[:])
}
