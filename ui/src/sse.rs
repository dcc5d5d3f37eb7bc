//! Server-sent events, read from the bytes of a fetch. The browser's own EventSource hides the status of
//! a refusal, and the page must tell "log in again" from "connection lost".

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty when it has none.
    pub name: String,
    /// Its data, lines joined by newlines.
    pub data: String,
}

/// Longest event that is kept, in bytes; the rest of a longer one is dropped.
const LONGEST: usize = 4 << 20;

/// Turns chunks of bytes into events, however the chunks are cut.
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
}

impl Reader {
    /// Takes one chunk and gives the events that it completes.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in chunk {
            match byte {
                b'\n' => events.extend(self.end_of_line()),
                b'\r' => {}
                _ if self.line.len() < LONGEST => self.line.push(*byte),
                _ => {}
            }
        }
        events
    }

    fn end_of_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            let complete = std::mem::take(&mut self.has_data);
            let event = std::mem::take(&mut self.event);
            return complete.then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" if self.event.data.len() < LONGEST => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nid: 7\nevent: change\ndata: {\"a\":1}\n\ndata: x\r\ndata:y ä\r\n\r\nevent: end\n\n";

    fn expected() -> Vec<Event> {
        let event = |name: &str, data: &str| Event {
            name: name.into(),
            data: data.into(),
        };
        vec![event("change", "{\"a\":1}"), event("", "x\ny ä")]
    }

    #[test]
    fn events_come_out_whole_however_the_bytes_are_cut() {
        for size in 1..STREAM.len() {
            let mut reader = Reader::default();
            let events: Vec<Event> = STREAM
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| reader.push(chunk))
                .collect();
            assert_eq!(events, expected(), "chunks of {size}");
        }
    }

    #[test]
    fn an_endless_line_does_not_eat_the_memory() {
        let mut reader = Reader::default();
        for _ in 0..10 {
            assert!(reader.push(&vec![b'x'; 1 << 20]).is_empty());
        }
        assert!(reader.line.len() <= LONGEST);
    }
}
