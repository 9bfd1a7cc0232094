/// The path of the field that is being visited, written as `loras[0].path`.
#[derive(Debug, Default)]
pub struct FieldPath(String);

impl FieldPath {
    /// Visits a field of an object.
    pub(crate) fn visit_field(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.0.len();
        if length > 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        visit(self);
        self.0.truncate(length);
    }

    /// Visits an item of an array.
    pub(crate) fn visit_item(&mut self, index: usize, visit: impl FnOnce(&mut Self)) {
        let length = self.0.len();
        self.0.push_str(&format!("[{index}]"));
        visit(self);
        self.0.truncate(length);
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
