use std::fmt::Write as _;

use serde_json::json;

use crate::media::solid::Solid;

/// The file format of a 3D model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelFormat {
    Glb,
    Obj,
    Stl,
    Ply,
}

impl ModelFormat {
    const ALL: [ModelFormat; 4] = [ModelFormat::Glb, ModelFormat::Obj, ModelFormat::Stl, ModelFormat::Ply];

    /// Returns the format of a name or an extension.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        ModelFormat::ALL.into_iter().find(|format| name.eq_ignore_ascii_case(format.extension()))
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            ModelFormat::Glb => "glb",
            ModelFormat::Obj => "obj",
            ModelFormat::Stl => "stl",
            ModelFormat::Ply => "ply",
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            ModelFormat::Glb => "model/gltf-binary",
            ModelFormat::Obj => "model/obj",
            ModelFormat::Stl => "model/stl",
            ModelFormat::Ply => "application/octet-stream",
        }
    }

    pub(super) fn file(self, solid: &Solid) -> Vec<u8> {
        match self {
            ModelFormat::Glb => glb(solid),
            ModelFormat::Obj => obj(solid).into_bytes(),
            ModelFormat::Stl => stl(solid),
            ModelFormat::Ply => ply(solid),
        }
    }
}

/// Returns a binary glTF file with positions, normals, colours and a material.
fn glb(solid: &Solid) -> Vec<u8> {
    const FLOAT: u32 = 5126;
    const UNSIGNED_SHORT: u32 = 5123;
    let count = solid.points.len();
    let (min, max) = solid.bounds();
    let points = || solid.points.iter();
    let vectors =
        points().map(|it| it.position).chain(points().map(|it| it.normal)).chain(points().map(|it| it.colour));
    let mut binary: Vec<u8> = vectors.flatten().flat_map(f32::to_le_bytes).collect();
    let vector_bytes = count * 12;
    binary.extend(solid.triangles.as_flattened().iter().flat_map(|corner| corner.to_le_bytes()));
    binary.resize(binary.len().next_multiple_of(4), 0);
    let corners = solid.triangles.len() * 3;
    let view = |index: usize| json!({ "buffer": 0, "byteOffset": index * vector_bytes, "byteLength": vector_bytes, "target": 34962 });
    let accessor =
        |index: usize| json!({ "bufferView": index, "componentType": FLOAT, "count": count, "type": "VEC3" });
    let mut positions = accessor(0);
    positions["min"] = json!(min);
    positions["max"] = json!(max);
    let mut scene = json!({
        "asset": { "version": "2.0", "generator": "fal-emulator" },
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": [{ "mesh": 0, "name": "solid" }],
        "meshes": [{ "primitives": [{
            "attributes": { "POSITION": 0, "NORMAL": 1, "COLOR_0": 2 },
            "indices": 3,
            "material": 0,
        }] }],
        "materials": [{ "pbrMetallicRoughness": { "metallicFactor": 0.1, "roughnessFactor": 0.5 } }],
        "accessors": [
            positions,
            accessor(1),
            accessor(2),
            { "bufferView": 3, "componentType": UNSIGNED_SHORT, "count": corners, "type": "SCALAR" },
        ],
        "bufferViews": [
            view(0),
            view(1),
            view(2),
            { "buffer": 0, "byteOffset": vector_bytes * 3, "byteLength": corners * 2, "target": 34963 },
        ],
        "buffers": [{ "byteLength": binary.len() }],
    })
    .to_string()
    .into_bytes();
    scene.resize(scene.len().next_multiple_of(4), b' ');

    let mut glb = Vec::new();
    glb.extend(b"glTF");
    glb.extend(2_u32.to_le_bytes());
    glb.extend(((12 + 8 + scene.len() + 8 + binary.len()) as u32).to_le_bytes());
    for (kind, chunk) in [(b"JSON", scene), (b"BIN\0", binary)] {
        glb.extend((chunk.len() as u32).to_le_bytes());
        glb.extend(kind);
        glb.extend(chunk);
    }
    glb
}

/// Returns a Wavefront OBJ file. Colours follow the positions, as many programs read them.
fn obj(solid: &Solid) -> String {
    let mut text = "# made by fal-emulator\no solid\n".to_owned();
    for point in &solid.points {
        let ([x, y, z], [red, green, blue]) = (point.position, point.colour);
        _ = writeln!(text, "v {x:.5} {y:.5} {z:.5} {red:.3} {green:.3} {blue:.3}");
    }
    for point in &solid.points {
        let [x, y, z] = point.normal;
        _ = writeln!(text, "vn {x:.5} {y:.5} {z:.5}");
    }
    for corners in &solid.triangles {
        let [a, b, c] = corners.map(|corner| usize::from(corner) + 1);
        _ = writeln!(text, "f {a}//{a} {b}//{b} {c}//{c}");
    }
    text
}

/// Returns a binary STL file.
fn stl(solid: &Solid) -> Vec<u8> {
    let mut file = b"made by fal-emulator".to_vec();
    file.resize(80, 0);
    file.extend((solid.triangles.len() as u32).to_le_bytes());
    for corners in &solid.triangles {
        let points = corners.map(|corner| solid.points[usize::from(corner)]);
        // A normal of 0 means that it follows from the corners.
        let vectors = [[0.0; 3], points[0].position, points[1].position, points[2].position];
        file.extend(vectors.as_flattened().iter().flat_map(|number: &f32| number.to_le_bytes()));
        file.extend([0, 0]);
    }
    file
}

/// Returns a binary PLY file.
fn ply(solid: &Solid) -> Vec<u8> {
    let mut head = "ply\nformat binary_little_endian 1.0\ncomment made by fal-emulator\n".to_owned();
    _ = writeln!(head, "element vertex {}", solid.points.len());
    for name in ["x", "y", "z", "nx", "ny", "nz"] {
        _ = writeln!(head, "property float {name}");
    }
    for name in ["red", "green", "blue"] {
        _ = writeln!(head, "property uchar {name}");
    }
    _ = writeln!(head, "element face {}\nproperty list uchar int vertex_indices\nend_header", solid.triangles.len());
    let mut file = head.into_bytes();
    for point in &solid.points {
        file.extend([point.position, point.normal].as_flattened().iter().flat_map(|number| number.to_le_bytes()));
        file.extend(point.colour.map(|channel| (channel * 255.0) as u8));
    }
    for corners in &solid.triangles {
        file.push(3);
        file.extend(corners.iter().flat_map(|corner| i32::from(*corner).to_le_bytes()));
    }
    file
}
