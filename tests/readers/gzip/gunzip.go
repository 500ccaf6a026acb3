// What Go reads of each gzip file: its SHA-256, a line a file. `go run gunzip.go FILE…`
package main

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func main() {
	for _, name := range os.Args[1:] {
		file, err := os.Open(name)
		check(err)
		reader, err := gzip.NewReader(file)
		check(err)
		digest := sha256.New()
		_, err = io.Copy(digest, reader)
		check(err)
		fmt.Printf("%x\n", digest.Sum(nil))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
