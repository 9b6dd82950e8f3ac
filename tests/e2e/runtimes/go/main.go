// The functions that runtimes_test.py expects, with aws-lambda-go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type request struct {
	Do string `json:"do"`
}

var count = 0
var kept [][]byte

func handle(ctx context.Context, event json.RawMessage) (any, error) {
	count++
	var asked request
	_ = json.Unmarshal(event, &asked) // an event of another form is echoed
	switch asked.Do {
	case "error":
		return nil, errors.New("as asked")
	case "exit":
		os.Exit(3)
	case "sleep":
		time.Sleep(60 * time.Second)
	case "count":
		return count, nil
	case "memory":
		for {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			kept = append(kept, block)
		}
	case "stream":
		return strings.NewReader("one two three"), nil
	}
	return event, nil
}

func main() { lambda.Start(handle) }
