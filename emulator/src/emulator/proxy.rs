use std::io;
use std::path::Path;

use crate::emulator::Emulator;
use crate::proxy::environment::ProxyEnvironment;
use crate::state::State;

impl Emulator {
    /// Returns the certificate of the emulator's own authority, as PEM. It certifies fal's hosts and the loopback interface, is valid
    /// for a week, and its key never leaves the process. Every emulator makes another one.
    ///
    /// ```no_run
    /// # fn example(emulator: &fal_emulator::Emulator) -> std::io::Result<()> {
    /// std::fs::write("ca.pem", emulator.certificate_authority())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn certificate_authority(&self) -> &str {
        self.state.authority.pem()
    }

    /// Writes certificates and a script for Node.js to a folder, and returns the environment that leads a program's requests for
    /// fal's real hosts to this emulator, with an accepted key. The program needs no change, whatever its language: it calls
    /// `https://queue.fal.run` through this emulator as its proxy, and accepts its certificates.
    ///
    /// - `ca.pem`: the [authority](Self::certificate_authority).
    /// - `certificates.pem`: the authorities of the system, and this one.
    /// - `preload.cjs`: for versions of Node.js that ignore `HTTPS_PROXY`, and for WebSocket packages.
    ///
    /// HTTPS connections to other hosts are refused, unless the builder
    /// [allows them](crate::EmulatorBuilder::allow_network). Hosts in the current `NO_PROXY` are reached directly, except fal's.
    ///
    /// # Errors
    ///
    /// A file cannot be written, or the path of the folder is not Unicode.
    pub fn proxy_environment(&self, folder: &Path) -> io::Result<ProxyEnvironment> {
        let State { settings, authority, .. } = &*self.state;
        ProxyEnvironment::write(folder, self.server.port, settings.keys.accepted(), authority)
    }
}
