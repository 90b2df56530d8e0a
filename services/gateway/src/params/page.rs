//! Which part of a list is asked for, and in which order.

use serde_json::Value;

use super::Params;
use super::read::{Scalar, integer};
use crate::ApiError;

/// The most items of a page, and how many it has if nobody says: the API's number.
pub const PAGE_ITEMS_MAX: u32 = 100;

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many items at most: 1 to [`PAGE_ITEMS_MAX`], after clamping; answers echo it.
    pub limit: u32,
    /// How many items to leave out first.
    pub skip: u64,
}

/// The items of a numbered page if nobody says: the API's number.
const NUMBERED_PAGE_ITEMS: i64 = 10;

/// A part of a list whose parts have numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedPage {
    /// Its number, from 1 on; answers echo it.
    pub number: u64,
    /// How many items each page has at most: 1 to [`PAGE_ITEMS_MAX`]; answers echo it.
    pub items: u32,
}

impl NumberedPage {
    /// How many items are on the pages before.
    pub fn skip(self) -> u64 {
        (self.number - 1).saturating_mul(self.items.into())
    }
}

/// The order that a client asks for. Which fields a list knows is the endpoint's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The name of the field, as the client spells it.
    pub field: String,
    /// From which end.
    pub direction: Direction,
}

/// From which end a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest, oldest first.
    Ascending,
    /// Largest, newest first.
    Descending,
}

impl Params {
    /// `limit` and `offset`, which some lists call so; otherwise as [`Self::page`].
    pub fn offset_page(&mut self) -> Result<Page, ApiError> {
        let offset = self.integer("offset")?;
        let page = self.page()?;
        Ok(Page { skip: offset.map_or(page.skip, |offset| offset.max(0).unsigned_abs()), ..page })
    }

    /// `page` and `per_page`, moved into their range as [`Self::page`] does.
    pub fn numbered_page(&mut self) -> Result<NumberedPage, ApiError> {
        let number = self.integer("page")?.unwrap_or(1).max(1).unsigned_abs();
        let items = self.integer("per_page")?.unwrap_or(NUMBERED_PAGE_ITEMS);
        Ok(NumberedPage { number, items: items.clamp(1, PAGE_ITEMS_MAX.into()) as u32 })
    }

    /// `limit` and `skip`.
    ///
    /// A whole number out of range is moved into it: a limit of 0 or below is 1 (never
    /// 0, with which a client that adds it to `skip` would ask for ever; never 100,
    /// which is more than it asked for), a skip below 0 is 0. What is no whole number is
    /// refused: 422. Absent, `null`, `undefined` and blank stand for the default.
    pub fn page(&mut self) -> Result<Page, ApiError> {
        let limit = self.integer("limit")?.unwrap_or(PAGE_ITEMS_MAX.into());
        let skip = self.integer("skip")?.unwrap_or(0);
        Ok(Page { limit: limit.clamp(1, PAGE_ITEMS_MAX.into()) as u32, skip: skip.max(0).unsigned_abs() })
    }

    /// `sort_asc` or `sort_desc`, each naming a field. With both, `sort_desc` counts.
    pub fn sort(&mut self) -> Result<Option<Sort>, ApiError> {
        let ascending = self.word("sort_asc")?;
        let descending = self.word("sort_desc")?;
        Ok(match (descending, ascending) {
            (Some(field), _) => Some(Sort { field, direction: Direction::Descending }),
            (None, Some(field)) => Some(Sort { field, direction: Direction::Ascending }),
            (None, None) => None,
        })
    }

    /// A whole number, as such or as text. Numbers beyond 64 bits become the largest or
    /// smallest there is. Absent, `null`, `undefined` and blank are none.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let refused = || ApiError::invalid(name.to_owned(), "must be an integer");
        match Scalar::of(self.take(name)) {
            Scalar::Nothing => Ok(None),
            Scalar::Text(text) => integer(&text).map(Some).ok_or_else(refused),
            Scalar::Other(Value::Number(number)) => {
                integer(&number.to_string()).map(Some).ok_or_else(refused)
            }
            Scalar::Other(_) => Err(refused()),
        }
    }

    fn word(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match Scalar::of(self.take(name)) {
            Scalar::Nothing => Ok(None),
            Scalar::Text(text) => Ok(Some(text)),
            Scalar::Other(_) => Err(ApiError::invalid(name.to_owned(), "must be the name of a field")),
        }
    }
}
