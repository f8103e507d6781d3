// The load generator: sends the requests of the specification on stdin, in rotation, and prints a
// report. bench/load/load.ts describes both. It uses only the standard library (Go 1.24 or newer,
// for HTTP/2 without TLS).
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Calls in flight of an open loop; further ones are counted as unsent.
const inFlightMax = 20_000

// The length of the windows in which an open loop is reported.
const windowLength = 500 * time.Millisecond

type request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Body   []byte `json:"body"`
}

type spec struct {
	Protocol      string    `json:"protocol"`
	Addresses     []string  `json:"addresses"`
	Connections   int       `json:"connections"`
	Callers       int       `json:"callers"`
	Rate          float64   `json:"rate"`
	WarmUpSeconds float64   `json:"warm_up_seconds"`
	Seconds       float64   `json:"seconds"`
	Limit         int64     `json:"limit"`
	TimeoutMs     int       `json:"timeout_ms"`
	Keep          bool      `json:"keep"`
	Requests      []request `json:"requests"`
}

type window struct {
	Calls  int     `json:"calls"`
	Failed int     `json:"failed"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
}

type result struct {
	All        int64            `json:"all"`
	Calls      int              `json:"calls"`
	Failed     map[string]int   `json:"failed"`
	Unsent     int64            `json:"unsent"`
	Seconds    float64          `json:"seconds"`
	P50        float64          `json:"p50_ms"`
	P99        float64          `json:"p99_ms"`
	CPUSeconds float64          `json:"cpu_seconds"`
	RunSeconds float64          `json:"run_seconds"`
	Windows    []window         `json:"windows"`
	Answers    map[int64]string `json:"answers"`
	FirstError string           `json:"first_error"`
}

// One call: its scheduled time after the start, and its duration from then.
type sample struct {
	at, took time.Duration
	status   string
}

type generator struct {
	spec     spec
	clients  []*http.Transport
	urls     [][]*url.URL
	header   http.Header
	begin    time.Time
	next     atomic.Int64
	mutex    sync.Mutex
	samples  []sample
	answers  map[int64]string
	firstErr string
}

func newGenerator(s spec) *generator {
	g := &generator{spec: s, answers: map[int64]string{}}
	for i := 0; i < s.Connections; i++ {
		transport := &http.Transport{MaxIdleConnsPerHost: s.Callers + 1000, DisableCompression: true}
		if s.Protocol == "grpc" {
			transport.Protocols = new(http.Protocols)
			transport.Protocols.SetUnencryptedHTTP2(true)
		}
		g.clients = append(g.clients, transport)
		urls := []*url.URL{}
		for _, each := range s.Requests {
			parsed, err := url.Parse("http://" + s.Addresses[i%len(s.Addresses)] + each.Path)
			if err != nil {
				panic(err)
			}
			urls = append(urls, parsed)
		}
		g.urls = append(g.urls, urls)
	}
	g.header = http.Header{"Content-Type": {"application/json"}}
	if s.Protocol == "grpc" {
		timeout := strconv.Itoa(s.TimeoutMs) + "m"
		g.header = http.Header{
			"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "Grpc-Timeout": {timeout},
		}
	}
	return g
}

// Sends a request and returns its status: "ok", or the error of the server or the connection.
func (g *generator) send(number int64) (string, []byte) {
	which := int(number % int64(len(g.spec.Requests)))
	client := int(number % int64(len(g.clients)))
	request := g.spec.Requests[which]
	timeout := time.Duration(g.spec.TimeoutMs) * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	sent := (&http.Request{
		Method: request.Method, URL: g.urls[client][which], Header: g.header,
		Body: io.NopCloser(bytes.NewReader(request.Body)), ContentLength: int64(len(request.Body)),
	}).WithContext(ctx)
	response, err := g.clients[client].RoundTrip(sent)
	if err != nil {
		return g.failed(ctx, err), nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return g.failed(ctx, err), nil
	}
	if g.spec.Protocol == "http" {
		if response.StatusCode/100 == 2 {
			return "ok", body
		}
		return strconv.Itoa(response.StatusCode), body
	}
	status := response.Trailer.Get("Grpc-Status")
	if status == "" {
		status = response.Header.Get("Grpc-Status")
	}
	if status == "0" {
		return "ok", body
	}
	return "grpc " + status, body
}

func (g *generator) failed(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return "timeout"
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.firstErr == "" {
		g.firstErr = err.Error()
	}
	return "connection"
}

func (g *generator) call(number int64, due time.Time) sample {
	status, body := g.send(number)
	if g.spec.Keep {
		g.mutex.Lock()
		g.answers[number] = status + " " + string(body)
		g.mutex.Unlock()
	}
	return sample{due.Sub(g.begin), time.Since(due), status}
}

// Callers that send the next request when the last was answered.
func (g *generator) closed(length time.Duration) {
	var callers sync.WaitGroup
	for i := 0; i < g.spec.Callers; i++ {
		callers.Go(func() {
			samples := []sample{}
			for time.Since(g.begin) < length {
				number := g.next.Add(1) - 1
				if g.spec.Limit > 0 && number >= g.spec.Limit {
					break
				}
				samples = append(samples, g.call(number, time.Now()))
			}
			g.mutex.Lock()
			g.samples = append(g.samples, samples...)
			g.mutex.Unlock()
		})
	}
	callers.Wait()
}

// Sends requests at their scheduled times, whatever happens to earlier ones; returns the number
// unsent.
func (g *generator) open(length time.Duration) int64 {
	var calls sync.WaitGroup
	var inFlight atomic.Int64
	unsent := int64(0)
	for {
		number := g.next.Add(1) - 1
		due := g.begin.Add(time.Duration(float64(number) / g.spec.Rate * float64(time.Second)))
		if due.Sub(g.begin) >= length {
			break
		}
		time.Sleep(time.Until(due))
		if inFlight.Load() >= inFlightMax {
			unsent++
			continue
		}
		inFlight.Add(1)
		calls.Go(func() {
			each := g.call(number, due)
			inFlight.Add(-1)
			g.mutex.Lock()
			g.samples = append(g.samples, each)
			g.mutex.Unlock()
		})
	}
	calls.Wait()
	return unsent
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// The 50th and 99th percentile of the times of successful calls, in ms.
func percentiles(times []float64) (float64, float64) {
	if len(times) == 0 {
		return 0, 0
	}
	sort.Float64s(times)
	return times[len(times)/2], times[len(times)*99/100]
}

func (g *generator) report(warmUp time.Duration) result {
	r := result{Failed: map[string]int{}, Answers: g.answers, FirstError: g.firstErr}
	times := []float64{}
	byWindow := map[int][]float64{}
	failed := map[int]int{}
	last := 0
	for _, each := range g.samples {
		if each.status == "ok" {
			r.All++
		}
		if each.at < warmUp {
			continue
		}
		at := int((each.at - warmUp) / windowLength)
		last = max(last, at)
		if each.status != "ok" {
			r.Failed[each.status]++
			failed[at]++
			continue
		}
		ms := each.took.Seconds() * 1000
		times = append(times, ms)
		byWindow[at] = append(byWindow[at], ms)
	}
	for at := 0; at <= last; at++ {
		p50, p99 := percentiles(byWindow[at])
		r.Windows = append(r.Windows, window{len(byWindow[at]), failed[at], p50, p99})
	}
	r.Calls = len(times)
	r.P50, r.P99 = percentiles(times)
	return r
}

func main() {
	var s spec
	if err := json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	g := newGenerator(s)
	warmUp := time.Duration(s.WarmUpSeconds * float64(time.Second))
	length := warmUp + time.Duration(s.Seconds*float64(time.Second))
	before := cpuSeconds()
	g.begin = time.Now()
	unsent := int64(0)
	if s.Rate > 0 {
		unsent = g.open(length)
	} else {
		g.closed(length)
	}
	run := time.Since(g.begin)
	used := cpuSeconds() - before
	r := g.report(warmUp)
	r.Unsent, r.RunSeconds, r.CPUSeconds = unsent, run.Seconds(), used
	r.Seconds = (run - warmUp).Seconds()
	json.NewEncoder(os.Stdout).Encode(r)
}
