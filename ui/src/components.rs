//! What the views are made of. A component gets everything by its props and fetches nothing.

pub(crate) mod artifacts;
pub(crate) mod cause_card;
pub(crate) mod confirm;
pub(crate) mod filter_bar;
pub(crate) mod graph_view;
pub(crate) mod help;
pub(crate) mod link_banner;
pub(crate) mod log_lines;
pub(crate) mod node_panel;
pub(crate) mod problem;
pub(crate) mod run_header;
pub(crate) mod run_row;
pub(crate) mod state_mark;
pub(crate) mod top_bar;
pub(crate) mod tree_cursor;
pub(crate) mod tree_row;
pub(crate) mod tree_view;
pub(crate) mod values;
