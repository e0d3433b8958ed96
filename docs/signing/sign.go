// LINK_KEY=... go run sign.go PATH EXPIRES: a link for secure_link_hash_md5, and one for
// hmac-sha256.
package main

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// keyOf returns the bytes of a key that is written as for nginx: hex:..., base64:... or the text
// itself.
func keyOf(text string) ([]byte, error) {
	if digits, found := strings.CutPrefix(text, "hex:"); found {
		return hex.DecodeString(digits)
	}
	if digits, found := strings.CutPrefix(text, "base64:"); found {
		digits = strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(digits)
		return base64.RawStdEncoding.DecodeString(digits)
	}
	return []byte(text), nil
}

func escape(path string) string {
	return (&url.URL{Path: path}).EscapedPath()
}

func md5Link(key []byte, path string, expires int64) string {
	digest := md5.Sum([]byte(fmt.Sprintf("%d%s %s", expires, path, key)))
	token := base64.RawURLEncoding.EncodeToString(digest[:])
	return fmt.Sprintf("%s?md5=%s&expires=%d", escape(path), token, expires)
}

func hmacLink(key []byte, path string, expires int64) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s|%d", path, expires)
	token := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	return fmt.Sprintf("%s?token=%s&expires=%d", escape(path), token, expires)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: sign PATH EXPIRES")
	}
	expires, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	key, err := keyOf(os.Getenv("LINK_KEY"))
	if err != nil || len(key) == 0 {
		log.Fatal("LINK_KEY is no key")
	}
	fmt.Println(md5Link(key, os.Args[1], expires))
	fmt.Println(hmacLink(key, os.Args[1], expires))
}
