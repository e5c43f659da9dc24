//! Runs each command: calls the server and prints the answer.

mod audit;
mod certs;
mod completions;
mod config;
mod dead_letters;
mod jobs;
mod letter_notes;
mod log;
mod migrate;
mod operations;
mod query;
mod reactions;
mod read_models;
mod submit;
mod tokens;
mod top;
mod workflow;

use crate::args::{Args, Certs, Command, Log, Operations};
use crate::connect::connect;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Runs the command on a runtime of one thread: it waits for one server.
pub(crate) fn run(args: Args, output: &Output) -> Result<Exit, Failure> {
    if let Command::Completions { shell } = args.command {
        return completions::print(shell, output);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::new(
            Exit::Unexpected,
            format!("the program cannot start: {error}"),
        )
    })?;
    runtime.block_on(ask(args, output))
}

async fn ask(args: Args, output: &Output) -> Result<Exit, Failure> {
    let Args { global, command } = args;
    match command {
        Command::Send(send) => submit::send(send, &global, output).await,
        Command::Record(record) => submit::record(record, &global, output).await,
        Command::Simulate(simulate) => submit::simulate(simulate, &global, output).await,
        Command::Events(events) => query::events(&events, &connect(&global).await?, output).await,
        Command::State(state) => query::state(&state, &connect(&global).await?, output).await,
        Command::Workflow(wanted) => {
            workflow::workflow(&wanted, &connect(&global).await?, output).await
        }
        Command::Why(wanted) => query::why(&wanted, &connect(&global).await?, output).await,
        Command::Streams(wanted) => query::streams(&wanted, &connect(&global).await?, output).await,
        Command::Domains {
            schema: true,
            domain,
        } => query::schema(domain.as_ref(), &connect(&global).await?, output).await,
        Command::Domains { .. } => query::domains(&connect(&global).await?, output).await,
        Command::Log(Log::Tail(tail)) => log::tail(tail, &connect(&global).await?, output).await,
        Command::DeadLetters(wanted) => {
            let client = connect(&global).await?;
            dead_letters::run(wanted, global.actor, &client, output).await
        }
        Command::Jobs(wanted) => {
            let client = connect(&global).await?;
            jobs::run(wanted, global.actor, &client, output).await
        }
        Command::Reactions(wanted) => {
            let client = connect(&global).await?;
            reactions::run(wanted, global.actor, &client, output).await
        }
        Command::ReadModels(wanted) => {
            read_models::run(wanted, &connect(&global).await?, output).await
        }
        Command::Config(wanted) => config::run(&wanted, output),
        Command::Tokens(wanted) => tokens::run(wanted, &global, output).await,
        Command::Operations(Operations::List { limit }) => {
            operations::list(limit, &connect(&global).await?, output).await
        }
        Command::Migrate(wanted) => migrate::run(&wanted, output).await,
        Command::Top => top::run(&connect(&global).await?, output).await,
        Command::Audit(wanted) => audit::run(&wanted, output).await,
        Command::Certs(Certs::MakeTrial(wanted)) => certs::make_trial(&wanted, output),
        Command::Completions { shell } => completions::print(shell, output),
    }
}
