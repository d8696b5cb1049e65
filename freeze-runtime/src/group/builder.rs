//! Joins a group.

use std::sync::Arc;
use std::time::Duration;

use tch::{Cuda, Device};

use super::Group;
use super::environment::Environment;
use super::failure::{differing, write_report};
use super::handshake::Handshake;
use super::lookout::alive;
use super::member::Member;
use super::store::{Heartbeat, Store, StoreAddress};
use crate::{Error, ffi};

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
        let Environment { rank, size, local_rank, host, port, has_store } = environment;
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
        let device = own_device(local_rank);
        let times = (self.timeout, self.heartbeat);
        let on = *device.as_ref().unwrap_or(&Device::Cpu);
        let member = Member::new((rank, size), on, times, serves, own);
        let interface = ffi::require_interface(self.timeout).map_err(|error| {
            let name = std::env::var("GLOO_SOCKET_IFNAME");
            let name =
                name.map_or(String::new(), |name| format!(" (GLOO_SOCKET_IFNAME is {name})"));
            Error::Group(format!("gloo finds no network interface{name}: {}", Error::Torch(error)))
        });
        let versions = format!(
            "freeze-runtime {}\nlibtorch {}\n{size} processes, timeout {} ms\ntensors on {}",
            env!("CARGO_PKG_VERSION"),
            ffi::libtorch_version(),
            self.timeout.as_millis(),
            if on.is_cuda() { "GPUs" } else { "CPUs" },
        );
        let ready = device.and(interface);
        let call = "`Group::from_env`";
        let versions = member.exchange(call, ready.map(|()| versions))?;
        if let Some(rows) = differing(&versions) {
            return Err(Error::Ranks { what: "versions and settings".to_owned(), rows });
        }
        member.connect()?;
        let has_idle_gpu = Cuda::is_available() && !ffi::has_nccl();
        Ok(Group {
            member: Some(Arc::new(member)),
            device: on,
            note: has_idle_gpu.then_some(NO_NCCL),
        })
    }
}

/// The note of a program that trains on the CPU although the machine has GPUs.
const NO_NCCL: &str = "the processes train on the CPU: NCCL is not in this program, because the headers of NCCL \
     and CUDA were not found when it was built";

/// The device of a process among others: a GPU of its own, where NCCL can connect them.
fn own_device(local_rank: Option<usize>) -> Result<Device, Error> {
    if !Cuda::is_available() || !ffi::has_nccl() {
        return Ok(Device::Cpu);
    }
    let count = Cuda::device_count();
    match local_rank {
        Some(rank) if i64::try_from(rank).is_ok_and(|rank| rank < count) => Ok(Device::Cuda(rank)),
        Some(rank) => Err(Error::Group(format!(
            "LOCAL_RANK is {rank}, and this machine has {count} GPUs: start as many processes as there are GPUs, \
             or hide all of them with an empty CUDA_VISIBLE_DEVICES"
        ))),
        None => Err(Error::Group(
            "LOCAL_RANK is not set, which says which GPU this process has: start the program with torchrun, or \
             set it"
                .to_owned(),
        )),
    }
}
