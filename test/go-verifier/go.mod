module piste/go-verifier

go 1.22
