//! TLS: what it costs a command, and a connection.

use std::sync::Arc;
use std::time::Duration;

use seriatim::core::{CommandGateway, Domain, ExpectedSequence, Outcome as Became};
use seriatim::security::tls::{ClientTls, Identity, Pem, ServerTls, TlsOptions};
use seriatim::security::{
    Access, DomainPattern, KnownToken, Policy, PrincipalPolicy, Rights, Token, Tokens, Verb,
};
use seriatim::{Client, ConnectOptions};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots};
use seriatim_bench::load::rate;
use seriatim_bench::measure::in_turn;
use seriatim_bench::product::request;
use seriatim_bench::row::{Must, Row};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::context::{Context, On};
use crate::served::Served;

const CLIENTS: usize = 64;
const CONNECTIONS: usize = 2;
/// The number of connections that are being made at once.
const CONNECTING: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);
const SENDER: &str = "sender";
/// What a client of HTTP/2 sends first, and the bytes of the answer that are waited for.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const ANSWER: usize = 9;

pub(crate) fn measure(context: &Context, on: On) -> Outcome<Vec<Row>> {
    let trial = Trial::new()?;
    let [plain, tls, connects, handshakes] = in_turn(
        context.rounds,
        [
            &mut || submit(context, on, None),
            &mut || submit(context, on, Some(&trial)),
            &mut || connect(context, on, None),
            &mut || connect(context, on, Some(&trial)),
        ],
    )?;
    Ok(vec![
        Row::compared(
            "TLS",
            "gRPC unary Submit over TLS with a token, new streams, 64 clients",
            "commands/s",
            &tls,
            "the same without TLS, where nobody is asked",
            &plain,
        )
        .must(Must::AtLeast(0.85)),
        Row::compared(
            "TLS",
            "connections made until HTTP/2 has begun, a whole handshake each, 8 at once",
            "connections/s",
            &handshakes,
            "the same without TLS",
            &connects,
        ),
    ])
}

/// Certificates and a token, as both sides need them.
struct Trial {
    tls: ServerTls,
    access: Access,
    ca: Pem,
    token: String,
}

impl Trial {
    fn new() -> Outcome<Self> {
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".into()])?;
        let ca = Pem::text(made.cert.pem());
        let tls = ServerTls::new(TlsOptions {
            identity: Identity {
                certificate: ca.clone(),
                key: Pem::text(made.signing_key.serialize_pem()),
            },
            clients: None,
        })?;
        let (access, token) = access()?;
        Ok(Self {
            tls,
            access,
            ca,
            token,
        })
    }

    fn options(&self) -> Outcome<ConnectOptions> {
        let options = ConnectOptions::new(PATIENCE).ca(self.ca.clone());
        Ok(options.token(&self.token)?)
    }
}

/// Knows one principal, which may send commands. Returns its token, too.
fn access() -> Outcome<(Access, String)> {
    let rights = Rights::default().grant(Verb::Submit, [DomainPattern::all()]);
    let policy = Policy {
        roles: [(SENDER.into(), rights)].into(),
        principals: [(SENDER.into(), PrincipalPolicy::default())].into(),
        ..Policy::default()
    };
    let (tokens, token) = (Tokens::default(), Token::generate()?);
    tokens.put(KnownToken {
        id: token.id(),
        digest: token.digest(),
        name: SENDER.into(),
        roles: vec![SENDER.into()],
        expires: None,
        revoked: false,
        last_used: None,
    });
    Ok((Access::new(policy, tokens), token.reveal()))
}

async fn serve(url: &str, trial: Option<&Trial>) -> Outcome<Served> {
    match trial {
        Some(Trial { tls, access, .. }) => {
            let (tls, access) = (tls.clone(), access.clone());
            Served::product_with(url, |app| app.tls(tls).access(access)).await
        }
        None => Served::product(url).await,
    }
}

fn submit(context: &Context, on: On, trial: Option<&Trial>) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let server = serve(&database.url, trial).await?;
        let (scheme, options) = match trial {
            Some(trial) => ("https", trial.options()?),
            None => ("http", PATIENCE.into()),
        };
        let url = format!("{scheme}://{}", server.address());
        let mut gateways = Vec::new();
        for _ in 0..CONNECTIONS {
            let client = Client::connect(&url, options.clone()).await?;
            gateways.push(client.gateway());
        }
        let total = context.scaled(50_000);
        let (roots, domain) = (new_roots(total), Domain::of::<Ledger>());
        database.settle().await?;
        let call = move |caller: usize, number: usize| {
            let gateway = gateways[caller % CONNECTIONS].clone();
            let request = request(&domain, roots[number], ExpectedSequence::NoStream);
            async move {
                match gateway.submit(request?).await?.outcome {
                    Became::Committed(_) => Ok(()),
                    other => Err(format!("a command became {other:?}").into()),
                }
            }
        };
        let figure = rate(CLIENTS, total, call).await?;
        server.close().await?;
        Ok(figure)
    })
}

fn connect(context: &Context, on: On, trial: Option<&Trial>) -> Outcome<f64> {
    context.in_database(on, async |database| {
        let server = serve(&database.url, trial).await?;
        let tls = trial.map(|trial| ClientTls::new(Some(&trial.ca), None));
        let (tls, address) = (Arc::new(tls.transpose()?), server.address());
        let call = move |_, _| {
            let tls = Arc::clone(&tls);
            async move {
                let tcp = TcpStream::connect(address).await?;
                tcp.set_nodelay(true)?;
                match &*tls {
                    Some(tls) => begin(tls.connect("localhost", tcp).await?).await,
                    None => begin(tcp).await,
                }
            }
        };
        let figure = rate(CONNECTING, context.scaled(2_500), call).await?;
        server.close().await?;
        Ok(figure)
    })
}

/// Begins with HTTP/2, and waits for the server's settings.
async fn begin(mut line: impl AsyncRead + AsyncWrite + Unpin) -> Outcome<()> {
    line.write_all(GREETING).await?;
    line.flush().await?;
    line.read_exact(&mut [0; ANSWER]).await?;
    Ok(())
}
