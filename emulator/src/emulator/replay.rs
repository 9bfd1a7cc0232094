use crate::emulator::Emulator;
use crate::record::tape::Tape;

impl Emulator {
    /// Returns the records of a [replay](crate::EmulatorBuilder::replay) that were not used, a line each: the file and its request.
    pub fn unused_records(&self) -> Vec<String> {
        self.state.tape.as_ref().map(Tape::unused).unwrap_or_default()
    }

    /// Returns the requests of a [replay](crate::EmulatorBuilder::replay) that had no record, or of a
    /// [recording](crate::EmulatorBuilder::record) that were not kept, a line each with the reason.
    pub fn record_problems(&self) -> Vec<String> {
        self.state.tape.as_ref().map(Tape::problems).unwrap_or_default()
    }

    /// Requires that every record of a [replay](crate::EmulatorBuilder::replay) was used, and that every request had one. Of a
    /// [recording](crate::EmulatorBuilder::record), requires that every request was kept.
    ///
    /// # Panics
    ///
    /// If that is not so, with a list of the records and the requests.
    #[track_caller]
    pub fn assert_finished(&self) {
        let (problems, unused) = (self.record_problems(), self.unused_records());
        let list = |title: &str, lines: &[String]| match lines {
            [] => String::new(),
            lines => format!("\n{title}:\n  {}", lines.join("\n  ")),
        };
        let message = list("requests", &problems) + &list("records that were not used", &unused);
        assert!(message.is_empty(), "the record does not fit the requests:{message}");
    }
}
