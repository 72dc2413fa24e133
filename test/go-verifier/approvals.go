package main

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
	j.judgeVotes(s, decision, held)
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

func (j *judge) judgeVotes(s *statements, decision said, held []said) {
	recorded := map[voter]bool{}
	for _, vote := range s.votes[decision.fields.text("apr")] {
		_, refused := vote.fields["refused"]
		who, named := voterOf(vote.fields)
		if named && vote.before(decision) && vote.fields.text("choice") == "approve" && !refused {
			recorded[who] = true
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
