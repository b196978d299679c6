//! The catalogue of permissions over REST. It must not know who holds one.

use rolecall_protocol::directory::permission;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    ask::ServerAsk,
    body::{
        client::DoneResponse,
        role::{GetPermissionResponse, ListPermissionsResponse, PermissionRequest},
    },
    fault::Fault,
    input::{Json, Path},
};

/// Why there are no others.
const BUILT_IN_ONLY: &str = "custom permissions are not supported: roles are made of the built-in \
    permissions that `GET permissions` lists";

/// The routes, under `/api/v2` and under `/api/v2/video`.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(list_permissions, create_permission)).routes(routes!(
        get_permission,
        update_permission,
        delete_permission
    ))
}

/// What grants may name.
#[utoipa::path(
    get, path = "/permissions", operation_id = "ListPermissions", tag = "permissions",
    responses((status = 200, description = "All of them.", body = ListPermissionsResponse)),
)]
async fn list_permissions(ask: ServerAsk) -> Answer<ListPermissionsResponse> {
    let permissions = permission::all().into_iter().map(Into::into).collect();
    Ok(axum::Json(ListPermissionsResponse { permissions, duration: ask.spent() }))
}

/// One of them.
#[utoipa::path(
    get, path = "/permissions/{id}", operation_id = "GetPermission", tag = "permissions",
    params(("id" = String, Path, description = "Which.", example = "block-user")),
    responses((status = 200, description = "It.", body = GetPermissionResponse)),
)]
async fn get_permission(ask: ServerAsk, Path(id): Path<String>) -> Answer<GetPermissionResponse> {
    let permission = find(&id)?.into();
    Ok(axum::Json(GetPermissionResponse { permission, duration: ask.spent() }))
}

fn find(id: &str) -> Result<permission::Permission, Fault> {
    permission::find(id).ok_or_else(|| Fault::unknown(format!("permission `{id}` does not exist")))
}

/// Always refused: there are only built-in permissions.
#[utoipa::path(
    post, path = "/permissions", operation_id = "CreatePermission", tag = "permissions",
    request_body = PermissionRequest,
    responses((status = 201, description = "Never.", body = DoneResponse)),
)]
async fn create_permission(
    _by: ServerAsk,
    Json(_asked): Json<PermissionRequest>,
) -> Answer<DoneResponse> {
    Err(Fault::input(BUILT_IN_ONLY))
}

/// Always refused: built-in permissions do not change.
#[utoipa::path(
    put, path = "/permissions/{id}", operation_id = "UpdatePermission", tag = "permissions",
    params(("id" = String, Path, description = "Which.")),
    request_body = PermissionRequest,
    responses((status = 201, description = "Never.", body = DoneResponse)),
)]
async fn update_permission(
    _by: ServerAsk,
    Path(id): Path<String>,
    Json(_asked): Json<PermissionRequest>,
) -> Answer<DoneResponse> {
    find(&id)?;
    Err(Fault::input(BUILT_IN_ONLY))
}

/// Always refused: built-in permissions stay.
#[utoipa::path(
    delete, path = "/permissions/{id}", operation_id = "DeletePermission", tag = "permissions",
    params(("id" = String, Path, description = "Which.")),
    responses((status = 200, description = "Never.", body = DoneResponse)),
)]
async fn delete_permission(_by: ServerAsk, Path(id): Path<String>) -> Answer<DoneResponse> {
    find(&id)?;
    Err(Fault::input(BUILT_IN_ONLY))
}
