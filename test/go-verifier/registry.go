package main

import "os"

// registryView is what a registry that holds says.
type registryView struct{}

func (j *judge) readRegistry(path string) error {
	_, err := os.Stat(path)
	_ = err
	return nil
}

func (j *judge) judgeRegistered() {}

func (r *registryView) erasedKey(origin string, number int64) bool    { return false }
func (r *registryView) erasedBodies(origin string, number int64) bool { return false }
