// test/guests/component/rust_wasi/lib.rs: an HTTP filter that uses what a standard library asks of WASI.
//
// `x-test` of a request chooses; answers are in `x-answer`.

use exports::nuncio::filter::http::{Guest as HttpGuest, GuestStream, Interest};
use exports::nuncio::filter::plugin::Guest as PluginGuest;
use nuncio::filter::types::{BodyAction, CalloutError, CalloutResponse, Header, HeaderEdit, HeadersAction};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime};

struct Filter;
struct Stream;

impl PluginGuest for Filter {
    fn configure(config: String) -> Result<(), String> {
        println!("configured with {:?}", config);
        Ok(())
    }
    fn on_tick() {}
    fn on_queue(_queue: u32) {}
}

impl HttpGuest for Filter {
    type Stream = Stream;
    fn interests() -> Interest {
        Interest::REQUEST_HEADERS
    }
}

/// What a request asks for.
fn answer(test: &str) -> String {
    match test {
        "print" => {
            println!("to standard output");
            eprintln!("to standard error");
            std::io::stdout().flush().map_or_else(|error| error.to_string(), |_| "printed".to_string())
        }
        "print much" => {
            for _ in 0..3 {
                print!("{}", "a line that is long\n".repeat(300));
            }
            "printed".to_string()
        }
        "environment" => std::env::vars().map(|(name, value)| format!("{}={};", name, value)).collect(),
        "arguments" => std::env::args().count().to_string(),
        "clocks" => {
            let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let before = Instant::now();
            format!("{} {}", wall.as_millis(), before.elapsed().as_nanos())
        }
        "random" => {
            // Seeded from random numbers.
            let map: HashMap<u32, u32> = (0..100).map(|each| (each, each)).collect();
            map.len().to_string()
        }
        "read file" => std::fs::read("/etc/passwd").map_or_else(|error| error.to_string(), |it| it.len().to_string()),
        "write file" => {
            std::fs::write("/tmp/x", "x").map_or_else(|error| error.to_string(), |_| "written".to_string())
        }
        "folder" => std::fs::read_dir(".").map_or_else(|error| error.to_string(), |it| it.count().to_string()),
        "input" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_or_else(|error| error.to_string(), |it| it.to_string())
        }
        "sleep" => {
            std::thread::sleep(Duration::from_millis(1));
            "slept".to_string()
        }
        "exit" => std::process::exit(3),
        "panic" => panic!("it panics {}", test),
        _ => "nothing".to_string(),
    }
}

impl GuestStream for Stream {
    fn new(_id: u32) -> Self {
        Stream
    }
    fn on_request_headers(&self, headers: Vec<Header>, _end: bool) -> HeadersAction {
        let test = headers.iter().find(|it| it.name == "x-test").map_or("", |it| it.value.as_str());
        let header = Header { name: "x-answer".to_string(), value: answer(test) };
        HeadersAction::Continue(vec![HeaderEdit::Set(header)])
    }
    fn on_request_body(&self, _chunk: Vec<u8>, _end: bool) -> BodyAction {
        BodyAction::Continue
    }
    fn on_request_trailers(&self, _trailers: Vec<Header>) -> HeadersAction {
        HeadersAction::Continue(Vec::new())
    }
    fn on_response_headers(&self, _headers: Vec<Header>, _end: bool) -> HeadersAction {
        HeadersAction::Continue(Vec::new())
    }
    fn on_response_body(&self, _chunk: Vec<u8>, _end: bool) -> BodyAction {
        BodyAction::Continue
    }
    fn on_response_trailers(&self, _trailers: Vec<Header>) -> HeadersAction {
        HeadersAction::Continue(Vec::new())
    }
    fn on_callout(&self, _token: u32, _outcome: Result<CalloutResponse, CalloutError>) {}
    fn on_log(&self) {}
}
