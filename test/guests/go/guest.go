// test/guests/go/guest.go: the guest that ../README.md describes, with the Go toolchain alone.
package main

import (
	"strconv"
	"unsafe"
)

const (
	requestHeaders      = 0
	responseHeaders     = 2
	callResponseHeaders = 6

	requestBody         = 0
	responseBody        = 1
	callResponseBody    = 4
	pluginConfiguration = 7

	goOn  = 0
	pause = 1
)

var (
	part  string
	ticks int
	// Streams by the token of their call.
	calls = map[uint32]uint32{}
)

func main() {}

//go:wasmexport proxy_on_context_create
func onContextCreate(id, parent uint32) {}

//go:wasmexport proxy_on_vm_start
func onVmStart(id, size uint32) uint32 { return 1 }

//go:wasmexport proxy_on_configure
func onConfigure(id, size uint32) uint32 {
	part = buffer(pluginConfiguration, 0, size)
	if part == "tick" {
		must(proxySetTickPeriod(100))
	}
	if part == "refuse" {
		return 0
	}
	return 1
}

//go:wasmexport proxy_on_tick
func onTick(id uint32) { ticks++ }

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(id, count, end uint32) uint32 {
	switch part {
	case "headers":
		changeHeaders()
	case "body":
		removeHeader(requestHeaders, "content-length")
	case "property":
		readProperties()
	case "metric":
		countMetrics()
	case "shared_data":
		shareData()
	case "tick":
		setHeader(requestHeaders, "x-ticks", strconv.Itoa(ticks))
	case "log":
		say(2, "an information")
		say(3, "a warning")
		say(4, "an error")
	case "reply":
		reply("no\n", "guest_said_no", pairs([2]string{"x-why", "guest"}))
		return pause
	case "callout":
		call(id)
		return pause
	}
	return goOn
}

func changeHeaders() {
	asked, found := header(requestHeaders, "x-asked")
	if !found {
		asked = "none"
	}
	setHeader(requestHeaders, "x-got", asked)
	addHeader(requestHeaders, "x-added", "one")
	addHeader(requestHeaders, "x-added", "two")
	setHeader(requestHeaders, "x-replaced", "new")
	removeHeader(requestHeaders, "x-removed")
}

func readProperties() {
	path, _ := property("request\x00path")
	setHeader(requestHeaders, "x-path", path)
	setProperty("guest_note", "kept")
	note, _ := property("guest_note")
	setHeader(requestHeaders, "x-kept", note)
	absent := "no"
	if _, status := property("no\x00such"); status == 1 {
		absent = "yes"
	}
	setHeader(requestHeaders, "x-absent", absent)
}

func countMetrics() {
	var ids [3]uint32
	for kind, name := range []string{"guest_requests", "guest_level", "guest_sizes"} {
		ptr, size := data(name)
		must(proxyDefineMetric(uint32(kind), ptr, size, &ids[kind]))
	}
	must(proxyIncrementMetric(ids[0], 2))
	must(proxyRecordMetric(ids[1], 7))
	must(proxyIncrementMetric(ids[1], -3))
	must(proxyRecordMetric(ids[2], 5))
	var count, level uint64
	must(proxyGetMetric(ids[0], &count))
	must(proxyGetMetric(ids[1], &level))
	setHeader(requestHeaders, "x-metrics", strconv.FormatUint(count, 10)+" "+strconv.FormatUint(level, 10))
}

func shareData() {
	key, keySize := data("guest_count")
	var value *byte
	var size, cas uint32
	count := 0
	if proxyGetSharedData(key, keySize, unsafe.Pointer(&value), &size, &cas) == 0 {
		count, _ = strconv.Atoi(taken(value, size))
	}
	next := strconv.Itoa(count + 1)
	ptr, nextSize := data(next)
	must(proxySetSharedData(key, keySize, ptr, nextSize, cas))
	// A number that is not the one of now is refused.
	refused := "taken"
	if proxySetSharedData(key, keySize, ptr, nextSize, ^uint32(0)) == 8 {
		refused = "refused"
	}
	setHeader(requestHeaders, "x-shared", next+" "+refused)
}

func reply(body, details, headers string) {
	detailsPtr, detailsSize := data(details)
	bodyPtr, bodySize := data(body)
	headersPtr, headersSize := data(headers)
	must(proxySendLocalResponse(403, detailsPtr, detailsSize, bodyPtr, bodySize, headersPtr, headersSize, -1))
}

func call(id uint32) {
	upstream, upstreamSize := data("service")
	headers, headersSize := data(pairs(
		[2]string{":method", "GET"}, [2]string{":path", "/check"}, [2]string{":authority", "service"}))
	var token uint32
	must(proxyHttpCall(upstream, upstreamSize, headers, headersSize, nil, 0, nil, 0, 1000, &token))
	calls[token] = id
}

//go:wasmexport proxy_on_http_call_response
func onHttpCallResponse(root, token, count, size, trailers uint32) {
	must(proxySetEffectiveContext(calls[token]))
	delete(calls, token)
	if status, _ := header(callResponseHeaders, ":status"); count == 0 || status != "200" {
		reply("call failed\n", "", "")
		return
	}
	setHeader(requestHeaders, "x-called", buffer(callResponseBody, 0, size))
	must(proxyContinueStream(0))
}

//go:wasmexport proxy_on_request_body
func onRequestBody(id, size, end uint32) uint32 {
	if part != "body" {
		return goOn
	}
	if end == 0 {
		return pause
	}
	setBuffer(requestBody, 0, size, buffer(requestBody, 0, size)+" and more")
	return goOn
}

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(id, count, end uint32) uint32 {
	setHeader(responseHeaders, "x-guest", "go")
	if part == "body" {
		removeHeader(responseHeaders, "content-length")
	}
	return goOn
}

//go:wasmexport proxy_on_response_body
func onResponseBody(id, size, end uint32) uint32 {
	if part == "body" && end != 0 {
		setBuffer(responseBody, size, 0, "!")
	}
	return goOn
}

//go:wasmexport proxy_on_log
func onLog(id uint32) {
	if part == "log" {
		say(2, "the end")
	}
}
