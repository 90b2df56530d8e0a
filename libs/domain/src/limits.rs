//! How much of anything there may be. A deployment sets them; the defaults stand here.

/// Bytes of a reaction that no deployment may exceed: the stores index them, and one of
/// them refuses long entries.
pub const REACTION_BYTES_MAX: usize = 1_024;

/// The limits that a deployment may set. Sizes are per message, dialog or call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Characters of a message's text.
    pub message_characters_max: usize,
    /// Bytes of a message's custom parameters, as JSON.
    pub custom_bytes_max: usize,
    /// Objects and lists within each other in a custom parameter.
    pub custom_depth_max: usize,
    /// Attachments of a message.
    pub attachments_max: usize,
    /// Bytes of a message's attachments, as JSON.
    pub attachments_bytes_max: usize,
    /// Characters of a dialog's name.
    pub name_characters_max: usize,
    /// Characters of a dialog's description.
    pub description_characters_max: usize,
    /// Characters of a dialog's photo.
    pub photo_characters_max: usize,
    /// Characters of one extension value of a dialog.
    pub extension_characters_max: usize,
    /// Occupants of a group or public dialog.
    pub occupants_max: usize,
    /// User ids in one call.
    pub occupants_per_call_max: usize,
    /// Ids in one path or filter.
    pub ids_per_call_max: usize,
    /// Admins of a dialog beside its owner.
    pub admins_max: usize,
    /// Pinned messages of a dialog.
    pub pins_max: usize,
    /// Bytes of a reaction.
    pub reaction_bytes_max: usize,
    /// Kinds of reaction on a message.
    pub reaction_kinds_max: usize,
    /// Occupants up to whom `read_ids` and `delivered_ids` name everybody.
    pub receipts_max: usize,
    /// Messages that one filtered or sorted page of a history looks at, beside those that
    /// dates and ids leave out.
    pub looked_at_max: usize,
}

impl Default for Limits {
    /// The values that the API's documents give, or the largest that they suggest.
    fn default() -> Self {
        Self {
            message_characters_max: 10_000,
            custom_bytes_max: 10 * 1024,
            custom_depth_max: 5,
            attachments_max: 20,
            attachments_bytes_max: 10 * 1024,
            name_characters_max: 200,
            description_characters_max: 2_000,
            photo_characters_max: 1_000,
            extension_characters_max: 500,
            occupants_max: 10_000,
            occupants_per_call_max: 1_000,
            ids_per_call_max: 100,
            admins_max: 5,
            pins_max: 100,
            reaction_bytes_max: 64,
            reaction_kinds_max: 20,
            receipts_max: 1_000,
            looked_at_max: 100_000,
        }
    }
}
