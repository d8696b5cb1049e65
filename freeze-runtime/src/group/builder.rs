//! Joins a group.

use std::sync::Arc;
use std::time::Duration;

use tch::Device;

use super::Group;
use super::environment::Environment;
use super::failure::{differing, write_report};
use super::handshake::Handshake;
use super::lookout::alive;
use super::member::Member;
use super::store::{Heartbeat, Store, StoreAddress};
use crate::Error;
use crate::ffi;

/// How long a rank waits for the others by default, as in `PyTorch` with gloo.
const TIMEOUT: Duration = Duration::from_mins(30);

/// How often a rank shows by default that it lives.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// The settings of a [`Group`]. Created by [`Group::builder`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `join`"]
pub struct GroupBuilder {
    timeout: Duration,
    heartbeat: Duration,
}

impl GroupBuilder {
    pub(super) const fn new() -> Self {
        Self { timeout: TIMEOUT, heartbeat: HEARTBEAT }
    }

    /// Sets how long a rank waits for the others, 30 minutes by default. It includes the time that rank 0
    /// takes to save.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use freeze_runtime::Group;
    ///
    /// let group = Group::builder().timeout(Duration::from_secs(60)).join()?;
    /// # drop(group);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how often a rank shows that it lives, every 500 ms by default. Where an error is to name the
    /// process that has ended, one that has shown nothing five times has.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use freeze_runtime::Group;
    ///
    /// // Many processes and a slow network.
    /// let group = Group::builder().heartbeat(Duration::from_secs(5)).join()?;
    /// # drop(group);
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub const fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = every;
        self
    }

    /// Joins the other processes that the environment names, and waits until all have come.
    ///
    /// # Errors
    /// As for [`Group::from_env`].
    ///
    /// # Examples
    /// ```
    /// use freeze_runtime::Group;
    ///
    /// let group = Group::builder().join()?;
    /// assert!(group.is_first());
    /// # Ok::<(), freeze_runtime::Error>(())
    /// ```
    pub fn join(self) -> Result<Group, Error> {
        let joined = self.join_others();
        if let Err(error) = &joined {
            write_report(error);
        }
        joined
    }

    fn join_others(&self) -> Result<Group, Error> {
        let environment = Environment::read(|name| std::env::var(name).ok());
        let environment = environment.map_err(Error::Group)?;
        let Some(environment) = environment.filter(|environment| environment.size > 1) else {
            return Ok(Group::alone(Device::cuda_if_available()));
        };
        let Environment { rank, size, host, port, has_store } = environment;
        let serves = rank == 0 && !has_store;
        let does = if serves { "serve" } else { "reach" };
        let address = StoreAddress { host, port, is_of_launcher: has_store };
        let store = Store::open(address.clone(), serves, self.timeout).map_err(|error| {
            let (error, StoreAddress { host, port, .. }) = (Error::Torch(error), address);
            Error::Group(format!("rank {rank} cannot {does} the store at {host}:{port}: {error}"))
        })?;
        let handshake = Handshake { store: &store, rank, size, timeout: self.timeout };
        let prefix = handshake.run().map_err(Error::Group)?;
        let heartbeat = Heartbeat { key: alive(rank), every: self.heartbeat };
        let own = store.within(&prefix, heartbeat)?;
        let member = Member::new(rank, size, self.timeout, self.heartbeat, serves, own);
        let interface = ffi::require_interface(self.timeout).map_err(|error| {
            let name = std::env::var("GLOO_SOCKET_IFNAME");
            let name =
                name.map_or(String::new(), |name| format!(" (GLOO_SOCKET_IFNAME is {name})"));
            Error::Group(format!("gloo finds no network interface{name}: {}", Error::Torch(error)))
        });
        let versions = format!(
            "freeze-runtime {}\nlibtorch {}\n{size} processes, timeout {} ms",
            env!("CARGO_PKG_VERSION"),
            ffi::libtorch_version(),
            self.timeout.as_millis(),
        );
        let call = "`Group::from_env`";
        let versions = member.exchange(call, interface.map(|()| versions))?;
        if let Some(rows) = differing(&versions) {
            return Err(Error::Ranks { what: "versions and settings".to_owned(), rows });
        }
        member.connect()?;
        Ok(Group { member: Some(Arc::new(member)), device: Device::Cpu })
    }
}
