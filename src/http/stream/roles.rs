//! Roles over REST: those everybody has, and those the back end makes. It must not know what they
//! give.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use rolecall_protocol::{
    directory::{
        Actor, Command, Directory, Reply,
        role::{BUILT_IN, CustomRole},
    },
    id::{RoleName, Timestamp},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes, Stream,
    ask::ServerAsk,
    body::{
        client::DoneResponse,
        role::{CreateRoleRequest, CreateRoleResponse, ListRolesResponse, Role},
    },
    fault::Fault,
    input::{Json, Path},
    speech::Speech,
};

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(list_roles, create_role)).routes(routes!(delete_role))
}

/// All roles: built-in ones, those that were made, and those that call types bring along.
#[utoipa::path(
    get, path = "/roles", operation_id = "ListRoles", tag = "roles",
    responses((status = 200, description = "All of them.", body = ListRolesResponse)),
)]
async fn list_roles(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
) -> Answer<ListRolesResponse> {
    let roles = all(&stream.directory.now(), ask.speech());
    Ok(axum::Json(ListRolesResponse { roles, duration: ask.spent() }))
}

/// Makes a role; it gives nothing until grants name it. At most 25.
#[utoipa::path(
    post, path = "/roles", operation_id = "CreateRole", tag = "roles",
    request_body = CreateRoleRequest,
    responses((status = 201, description = "Made.", body = CreateRoleResponse)),
)]
async fn create_role(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Json(request): Json<CreateRoleRequest>,
) -> Answer<CreateRoleResponse> {
    let command = Command::CreateRole { name: request.name };
    let Reply::Role(made) = stream.directory.command(Actor::Server, command).await? else {
        return Err(Fault::internal());
    };
    let role = custom(&made, &stream.directory.now(), ask.speech());
    Ok(axum::Json(CreateRoleResponse { role, duration: ask.spent() }))
}

/// Unmakes a role that nobody has and no grants name.
#[utoipa::path(
    delete, path = "/roles/{name}", operation_id = "DeleteRole", tag = "roles",
    params(("name" = String, Path, description = "Which.", max_length = 64, pattern = "^[A-Za-z0-9_-]+$")),
    responses((status = 200, description = "Gone.", body = DoneResponse)),
)]
async fn delete_role(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Path(name): Path<RoleName>,
) -> Answer<DoneResponse> {
    if !stream.directory.now().knows_role(&name) {
        return Err(Fault::unknown(format!("role `{name}` does not exist")));
    }
    stream.directory.command(Actor::Server, Command::DeleteRole { name }).await?;
    Ok(axum::Json(DoneResponse { duration: ask.spent() }))
}

fn custom(role: &CustomRole, directory: &Directory, speech: Speech) -> Role {
    Role {
        name: role.name.clone(),
        custom: true,
        scopes: directory.scopes_of(&role.name),
        created_at: speech.moment(role.created_at),
        updated_at: speech.moment(role.updated_at),
    }
}

fn all(directory: &Directory, speech: Speech) -> Vec<Role> {
    let built_in = BUILT_IN.iter().filter_map(|name| RoleName::parse(name).ok());
    let of_types = directory.call_types.values().flat_map(|entry| entry.call_type.roles.keys());
    let names: BTreeSet<RoleName> =
        built_in.chain(of_types.cloned()).chain(directory.roles.keys().cloned()).collect();
    let since_ever = speech.moment(Timestamp(0));
    let role = |name: RoleName| match directory.roles.get(&name) {
        Some(role) => custom(role, directory, speech),
        None => Role {
            custom: false,
            scopes: directory.scopes_of(&name),
            name,
            created_at: since_ever,
            updated_at: since_ever,
        },
    };
    names.into_iter().map(role).collect()
}
