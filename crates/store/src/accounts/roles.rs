//! Roles. The built-in ones are the program's ([`Role::built_in`]) and not stored, so that a store
//! never holds a stale copy of them; the others are the owner's making.

use parapet_model::{Permission, Role};

use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::args;
use crate::tx::Tx;

const ALL: &str = "SELECT no, name, permissions FROM role ORDER BY no";
const NUMBER: &str = "SELECT no FROM role WHERE name = $1";
const INSERT: &str = "INSERT INTO role (no, name, permissions) VALUES ($1, $2, $3)";
const UPDATE: &str = "UPDATE role SET permissions = $1 WHERE no = $2 AND permissions <> $3";
const DELETE: &str = "DELETE FROM role WHERE no = $1";
const HOLDERS: &str = "SELECT COUNT(*) FROM membership_role WHERE role = $1";

/// Longest name in characters.
const LONGEST_NAME: usize = 64;

fn is_built_in(name: &str) -> bool {
    Role::built_in().iter().any(|role| role.name == name)
}

fn check_name(name: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fine) {
        return Err(Error::Invalid(format!(
            "a role name has 1 to {LONGEST_NAME} characters out of a-z, 0-9, '-', '_' and '.'"
        )));
    }
    if is_built_in(name) {
        return Err(Error::Invalid(format!("role {name} is built in and cannot be changed")));
    }
    Ok(())
}

impl Session {
    /// All roles: the built-in ones, then the others in the order they were made.
    pub async fn roles(&mut self) -> Result<Vec<Role>> {
        let mut roles = Role::built_in();
        for row in self.fetch(ALL, args![]).await? {
            let mut f = row.fields("role");
            f.u32("no")?;
            let name = f.text()?;
            let words = f.str()?.split_ascii_whitespace();
            let permissions = words.map(Permission::parse).collect::<Option<_>>();
            roles.push(Role { name, permissions: permissions.ok_or_else(|| f.inconsistent("permissions"))? });
        }
        Ok(roles)
    }

    /// Whether there is a role of that name.
    pub(super) async fn has_role(&mut self, name: &str) -> Result<bool> {
        Ok(is_built_in(name) || self.role_number(name).await?.is_some())
    }

    async fn role_number(&mut self, name: &str) -> Result<Option<u32>> {
        let row = self.fetch_one(NUMBER, args![name]).await?;
        row.map(|row| row.fields("role").u32("no")).transpose()
    }
}

impl Tx {
    /// Makes a role, or sets the rights of one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a built-in role or a bad name.
    pub async fn put_role(&mut self, role: &Role) -> Result<()> {
        check_name(&role.name)?;
        let words: Vec<&str> = role.permissions.iter().map(|p| p.as_str()).collect();
        let words = words.join(" ");
        let no = match self.role_number(&role.name).await? {
            Some(no) => {
                self.execute(UPDATE, args![&words, no, &words]).await?;
                no
            }
            None => {
                let no = self.take_number(Counter::Role).await?;
                self.execute(INSERT, args![no, &role.name, &words]).await?;
                no
            }
        };
        self.log(Kind::Role, no);
        Ok(())
    }

    /// Deletes a role; whether there was one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a built-in role, or while somebody holds it.
    pub async fn delete_role(&mut self, name: &str) -> Result<bool> {
        check_name(name)?;
        let Some(no) = self.role_number(name).await? else { return Ok(false) };
        let row = self.fetch_one(HOLDERS, args![name]).await?;
        let holders = row.map_or(Ok(0), |row| row.fields("membership_role").i64())?;
        if holders > 0 {
            return Err(Error::Invalid(format!("role {name} is still held in {holders} places")));
        }
        self.execute(DELETE, args![no]).await?;
        self.log(Kind::Role, no);
        Ok(true)
    }
}
