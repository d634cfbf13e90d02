// test/guests/go/host.go: the host functions of ABI 0.2.0 that the guest calls, and memory that the host asks for.
package main

import "unsafe"

//go:wasmimport env proxy_log
func proxyLog(level uint32, message *byte, size uint32) uint32

//go:wasmimport env proxy_set_tick_period_milliseconds
func proxySetTickPeriod(ms uint32) uint32

//go:wasmimport env proxy_get_property
func proxyGetProperty(path *byte, size uint32, value unsafe.Pointer, valueSize *uint32) uint32

//go:wasmimport env proxy_set_property
func proxySetProperty(path *byte, size uint32, value *byte, valueSize uint32) uint32

//go:wasmimport env proxy_get_buffer_bytes
func proxyGetBufferBytes(buffer, start, max uint32, value unsafe.Pointer, valueSize *uint32) uint32

//go:wasmimport env proxy_set_buffer_bytes
func proxySetBufferBytes(buffer, start, size uint32, value *byte, valueSize uint32) uint32

//go:wasmimport env proxy_get_header_map_value
func proxyGetHeader(m uint32, key *byte, keySize uint32, value unsafe.Pointer, valueSize *uint32) uint32

//go:wasmimport env proxy_add_header_map_value
func proxyAddHeader(m uint32, key *byte, keySize uint32, value *byte, valueSize uint32) uint32

//go:wasmimport env proxy_replace_header_map_value
func proxyReplaceHeader(m uint32, key *byte, keySize uint32, value *byte, valueSize uint32) uint32

//go:wasmimport env proxy_remove_header_map_value
func proxyRemoveHeader(m uint32, key *byte, keySize uint32) uint32

//go:wasmimport env proxy_continue_stream
func proxyContinueStream(stream uint32) uint32

//go:wasmimport env proxy_send_local_response
func proxySendLocalResponse(code uint32, details *byte, detailsSize uint32, body *byte, bodySize uint32,
	headers *byte, headersSize uint32, grpcStatus int32) uint32

//go:wasmimport env proxy_set_effective_context
func proxySetEffectiveContext(id uint32) uint32

//go:wasmimport env proxy_http_call
func proxyHttpCall(upstream *byte, upstreamSize uint32, headers *byte, headersSize uint32, body *byte, bodySize uint32,
	trailers *byte, trailersSize uint32, timeout uint32, token *uint32) uint32

//go:wasmimport env proxy_get_shared_data
func proxyGetSharedData(key *byte, keySize uint32, value unsafe.Pointer, valueSize *uint32, cas *uint32) uint32

//go:wasmimport env proxy_set_shared_data
func proxySetSharedData(key *byte, keySize uint32, value *byte, valueSize uint32, cas uint32) uint32

//go:wasmimport env proxy_define_metric
func proxyDefineMetric(kind uint32, name *byte, nameSize uint32, id *uint32) uint32

//go:wasmimport env proxy_increment_metric
func proxyIncrementMetric(id uint32, delta int64) uint32

//go:wasmimport env proxy_record_metric
func proxyRecordMetric(id uint32, value uint64) uint32

//go:wasmimport env proxy_get_metric
func proxyGetMetric(id uint32, value *uint64) uint32

//go:wasmexport proxy_abi_version_0_2_0
func abiVersion() {}

// What the host was given and the guest has not taken yet, so that the collector leaves it alone.
var lent = map[*byte][]byte{}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) *byte {
	bytes := make([]byte, size)
	ptr := unsafe.SliceData(bytes)
	lent[ptr] = bytes
	return ptr
}

// ptr and size of a text.
func data(text string) (*byte, uint32) { return unsafe.StringData(text), uint32(len(text)) }

// The bytes that the host has put into memory of allocate.
func taken(ptr *byte, size uint32) string {
	if size == 0 {
		return ""
	}
	defer delete(lent, ptr)
	return string(unsafe.Slice(ptr, size))
}

func must(status uint32) {
	if status != 0 {
		panic(status)
	}
}

func say(level uint32, text string) {
	ptr, size := data(text)
	must(proxyLog(level, ptr, size))
}

func header(m uint32, name string) (string, bool) {
	ptr, size := data(name)
	var value *byte
	var valueSize uint32
	status := proxyGetHeader(m, ptr, size, unsafe.Pointer(&value), &valueSize)
	return taken(value, valueSize), status == 0
}

func addHeader(m uint32, name, value string) {
	ptr, size := data(name)
	valuePtr, valueSize := data(value)
	must(proxyAddHeader(m, ptr, size, valuePtr, valueSize))
}

func setHeader(m uint32, name, value string) {
	ptr, size := data(name)
	valuePtr, valueSize := data(value)
	must(proxyReplaceHeader(m, ptr, size, valuePtr, valueSize))
}

func removeHeader(m uint32, name string) {
	ptr, size := data(name)
	must(proxyRemoveHeader(m, ptr, size))
}

func property(path string) (string, uint32) {
	ptr, size := data(path)
	var value *byte
	var valueSize uint32
	status := proxyGetProperty(ptr, size, unsafe.Pointer(&value), &valueSize)
	return taken(value, valueSize), status
}

func setProperty(path, value string) {
	ptr, size := data(path)
	valuePtr, valueSize := data(value)
	must(proxySetProperty(ptr, size, valuePtr, valueSize))
}

func buffer(kind, start, max uint32) string {
	var value *byte
	var size uint32
	must(proxyGetBufferBytes(kind, start, max, unsafe.Pointer(&value), &size))
	return taken(value, size)
}

func setBuffer(kind, start, size uint32, value string) {
	ptr, valueSize := data(value)
	must(proxySetBufferBytes(kind, start, size, ptr, valueSize))
}

// Pairs as the ABI has them.
func pairs(list ...[2]string) string {
	var sizes, texts []byte
	sizes = append(sizes, u32(len(list))...)
	for _, pair := range list {
		sizes = append(append(sizes, u32(len(pair[0]))...), u32(len(pair[1]))...)
		texts = append(append(texts, pair[0]...), 0)
		texts = append(append(texts, pair[1]...), 0)
	}
	return string(append(sizes, texts...))
}

func u32(value int) []byte {
	return []byte{byte(value), byte(value >> 8), byte(value >> 16), byte(value >> 24)}
}
