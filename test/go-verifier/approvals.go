package main

import "strings"

// judgeApproval tells the first thing that makes an approval none.
func (j *judge) judgeApproval(s *statements, decision said) {
	qid := decision.fields.text("qid")
	var held, asked []said
	for _, request := range s.requests[qid] {
		if isHeld(request) {
			held = append(held, request)
		}
	}
	for _, one := range s.asked[qid] {
		if sameText(one.fields["apr"], decision.fields["apr"]) {
			asked = append(asked, one)
		}
	}
	if len(held) == 0 || len(asked) == 0 {
		j.tellAt(tampered, "approved-without-request", decision.log, decision.index)
		return
	}
	heldSame, askedSame := false, false
	for _, request := range held {
		heldSame = heldSame || request.mayBeSame(decision) && decision.fits(request)
	}
	for _, one := range asked {
		askedSame = askedSame || one.mayBeSame(decision)
	}
	if !heldSame || !askedSame {
		j.tellAt(tampered, "approval-mismatch", decision.log, decision.index)
		return
	}
	j.judgeVotes(s, decision, held, asked)
}

// fits: the permit, if any, is for the request's texts, if they can be read.
func (s said) fits(request said) bool {
	sql, binds, bound, readable := request.texts()
	return s.permit == "" || !readable || s.blind != request.blind || sql != nil && permitHash(sql, binds, bound) == s.permit
}

type voter struct{ iss, sub string }

func voterOf(fields object) (voter, bool) {
	iss, hasIss := fields["iss"].(string)
	sub, hasSub := fields["sub"].(string)
	return voter{iss, sub}, hasIss && hasSub
}

func (j *judge) judgeVotes(s *statements, decision said, held, asked []said) {
	recorded := map[voter]bool{}
	var cast []said
	for _, vote := range s.votes[decision.fields.text("apr")] {
		_, refused := vote.fields["refused"]
		who, named := voterOf(vote.fields)
		if named && vote.before(decision) && vote.fields.text("choice") == "approve" && !refused {
			recorded[who] = true
			cast = append(cast, vote)
		}
	}
	counted, missing := recorded, false
	if list, ok := decision.fields["votes"].([]any); ok {
		counted = map[voter]bool{}
		for _, item := range list {
			vote, _ := item.(object)
			if vote.text("choice") != "approve" {
				continue
			}
			who, named := voterOf(vote)
			missing = missing || !named
			counted[who] = true
		}
	}
	missing = missing || len(counted) == 0
	for who := range counted {
		missing = missing || !recorded[who]
	}
	if missing {
		j.tellAt(tampered, "approved-without-vote", decision.log, decision.index)
		return
	}
	for who := range s.requesters(held) {
		if counted[who] {
			j.tellAt(tampered, "approved-by-requester", decision.log, decision.index)
			return
		}
	}
	for _, one := range asked {
		if !isMet(one.fields["quorums"], cast, counted) {
			j.tellAt(tampered, "approved-by-too-few", decision.log, decision.index)
			return
		}
	}
}

// isMet: of every demand, as many of the counted people as it wants voted as somebody it names.
func isMet(quorums any, cast []said, counted map[voter]bool) bool {
	list, isList := quorums.([]any)
	if !isList || len(list) == 0 {
		return false
	}
	for _, item := range list {
		demand, isObject := item.(object)
		wanted, isNumber := demand["n"].(int64)
		groups, isGroups := textsOf(demand["grp"])
		users, isUsers := textsOf(demand["usr"])
		if !isObject || !isNumber || wanted < 1 || !isGroups || !isUsers {
			return false
		}
		members := map[voter]bool{}
		for _, vote := range cast {
			who, _ := voterOf(vote.fields)
			if counted[who] && (names(users, who) || shareOne(groups, vote.fields["grp"])) {
				members[who] = true
			}
		}
		if int64(len(members)) < wanted {
			return false
		}
	}
	return true
}

// names: an entry is a subject, or an issuer up to its first '#' and a subject behind it.
func names(users map[string]bool, who voter) bool {
	bare := who.sub != "" && !strings.Contains(who.sub, "#") && users[who.sub]
	return bare || !strings.Contains(who.iss, "#") && users[who.iss+"#"+who.sub]
}

func shareOne(groups map[string]bool, value any) bool {
	own, _ := textsOf(value)
	for group := range own {
		if groups[group] {
			return true
		}
	}
	return false
}

// textsOf a list; false where it is none, or holds anything else.
func textsOf(value any) (map[string]bool, bool) {
	list, isList := value.([]any)
	texts := map[string]bool{}
	for _, item := range list {
		text, isText := item.(string)
		if !isText {
			return nil, false
		}
		texts[text] = true
	}
	return texts, isList
}

// requesters: who opened the sessions of held requests, and whom these name themselves.
func (s *statements) requesters(held []said) map[voter]bool {
	found := map[voter]bool{}
	for _, request := range held {
		asking := []object{request.fields.at("who")}
		if request.hasSid {
			for _, session := range s.sessions[request.sid] {
				asking = append(asking, session.fields.at("who"))
			}
		}
		for _, fields := range asking {
			if who, named := voterOf(fields); named {
				found[who] = true
			}
		}
	}
	return found
}
