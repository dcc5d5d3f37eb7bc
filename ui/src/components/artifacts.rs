//! What a node took and gave as files: each can be opened or kept.

use leptos::prelude::*;
use steading_api::artifact::{ArtifactBody, ArtifactQuery, Form, Side};
use steading_api::client::prepare;
use steading_api::operations::GetArtifact;

use crate::format::bytes;

/// A titled list; nothing at all when there are none. `place` is the tenant and the run.
#[component]
pub(crate) fn Artifacts(
    title: &'static str,
    side: Side,
    place: (String, String),
    artifacts: Vec<ArtifactBody>,
) -> impl IntoView {
    let of_side: Vec<_> = artifacts
        .into_iter()
        .filter(|one| one.side == side)
        .collect();
    (!of_side.is_empty()).then(|| view! {
        <section class="values artifacts">
            <h3>{title}</h3>
            <dl>{of_side.into_iter().map(|artifact| view! { <One place=place.clone() artifact/> }).collect_view()}</dl>
        </section>
    })
}

#[component]
fn One(place: (String, String), artifact: ArtifactBody) -> impl IntoView {
    let (open, keep) = (
        link(&place, &artifact, Form::Unpacked),
        link(&place, &artifact, Form::Packed),
    );
    let label = format!("Download {}", artifact.name);
    view! {
        <div>
            <dt>{artifact.size.map(bytes)}</dt>
            <dd>
                // Made by a task: it gets a tab, and the server gives it an origin, of its own.
                <a href=open target="_blank" rel="noopener noreferrer" title=artifact.place>{artifact.name}</a>
                <a href=keep class="keep" download="" aria-label=label title="Download">"↓"</a>
            </dd>
        </div>
    }
}

fn link((tenant, run): &(String, String), artifact: &ArtifactBody, form: Form) -> Option<String> {
    let query = ArtifactQuery {
        side: Some(artifact.side),
        path: None,
        form: Some(form),
    };
    let parts = [tenant, run, &artifact.node_id, &artifact.name];
    let request = prepare::<GetArtifact>(&parts.map(String::as_str), &query, &());
    request.ok().map(|request| request.path)
}
