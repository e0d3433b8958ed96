//! A connection to Redis whose answers come in time and have an end.
//!
//! The crate's own has a time for each read, by which an answer that drips takes forever, and no bound
//! for what is read.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use redis::{Client, Cmd, ConnectionAddr, ConnectionLike, Parser, RedisResult, Value, cmd};

/// What the answers to a batch of counters have at most, several times over.
const MOST: usize = 16 * 1024;

/// A connection, with a time for each answer.
pub struct Connection {
    stream: Stream,
    parser: Parser,
    timeout: Duration,
    /// When the password and the database are to be answered; later answers have a time each.
    until: Option<Instant>,
    database: i64,
}

impl Connection {
    /// Connects, and says who asks.
    pub fn open(client: &Client, timeout: Duration) -> RedisResult<Connection> {
        let info = client.get_connection_info();
        let stream = Stream::open(info.addr(), timeout)?;
        let (settings, parser) = (info.redis_settings(), Parser::new());
        let (until, database) = (Some(Instant::now() + timeout), settings.db());
        let mut connection = Connection { stream, parser, timeout, until, database };
        if let Some(password) = settings.password() {
            let named = cmd("AUTH").arg(settings.username()).arg(password).exec(&mut connection);
            match named {
                // Before version 6 there are no users.
                Err(error)
                    if settings.username().is_some()
                        && error.to_string().contains("wrong number of arguments") =>
                {
                    cmd("AUTH").arg(password).exec(&mut connection)?;
                }
                named => named?,
            }
        }
        if database != 0 {
            cmd("SELECT").arg(database).exec(&mut connection)?;
        }
        connection.until = None;
        Ok(connection)
    }

    fn ask(&mut self, packed: &[u8]) -> RedisResult<Value> {
        let mut bounded = Bounded {
            stream: &mut self.stream,
            deadline: self.until.unwrap_or_else(|| Instant::now() + self.timeout),
            left: MOST,
        };
        bounded.write_all(packed)?;
        self.parser.parse_value(&mut bounded)
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command(&mut self, packed: &[u8]) -> RedisResult<Value> {
        self.ask(packed)
    }

    fn req_packed_commands(&mut self, _: &[u8], _: usize, _: usize) -> RedisResult<Vec<Value>> {
        Err(io::Error::from(io::ErrorKind::Unsupported).into())
    }

    fn req_command(&mut self, command: &Cmd) -> RedisResult<Value> {
        self.ask(&command.get_packed_command())
    }

    fn get_db(&self) -> i64 {
        self.database
    }

    fn supports_pipelining(&self) -> bool {
        false
    }

    fn check_connection(&mut self) -> bool {
        true
    }

    fn is_open(&self) -> bool {
        true
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Connects to the first address that answers in that time.
    fn open(address: &ConnectionAddr, timeout: Duration) -> io::Result<Stream> {
        match address {
            ConnectionAddr::Tcp(host, port) => {
                let mut error = io::Error::from(io::ErrorKind::NotFound);
                for address in (host.as_str(), *port).to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, timeout) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            return Ok(Stream::Tcp(stream));
                        }
                        Err(failed) => error = failed,
                    }
                }
                Err(error)
            }
            ConnectionAddr::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn set_timeout(&self, time: Duration) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => {
                stream.set_read_timeout(Some(time))?;
                stream.set_write_timeout(Some(time))
            }
            Stream::Unix(stream) => {
                stream.set_read_timeout(Some(time))?;
                stream.set_write_timeout(Some(time))
            }
        }
    }
}

/// The time that is left.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A stream for one question and its answer.
struct Bounded<'a> {
    stream: &'a mut Stream,
    deadline: Instant,
    /// How many bytes may still come.
    left: usize,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("an answer that is too long"));
        }
        self.stream.set_timeout(left(self.deadline)?)?;
        let room = self.left.min(buffer.len());
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        let read = match &mut self.stream {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
        }?;
        self.left = self.left.saturating_sub(read);
        Ok(read)
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_timeout(left(self.deadline)?)?;
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
